"""Configurations that tests of more than one kind draw from."""

from __future__ import annotations

from hypothesis import strategies as st

from winsvc.settings.config import ServiceConfig
from winsvc.settings.triggers import Trigger, TriggerAction
from winsvc.settings.values import (
    NO_NODE,
    ErrorControl,
    FailureAction,
    FailureActions,
    LaunchProtection,
    SidType,
)
from winsvc.states import ServiceType, StartType

ACTIONS = FailureActions(
    actions=(
        FailureAction.restart(5.0),
        FailureAction.run_command(0.5),
        FailureAction.nothing(),
    ),
    reset_period=86400.0,
    command="notify.exe /fail=%1%",
    reboot_message="Sorry.",
)
"""Every member of this setting, and three kinds of actions."""

words = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12
)
some = words.filter(bool)
milliseconds = st.integers(0, 10**9).map(lambda number: number / 1000)
configs = st.builds(
    ServiceConfig,
    name=st.text(
        st.characters(exclude_characters="\0/\\", exclude_categories=["Cs"]),
        min_size=1,
        max_size=12,
    ),
    command=st.none()
    | st.tuples(
        some.filter(lambda text: '"' not in text).map(r"C:\{}".format), words, words
    ),
    display_name=st.none() | words,
    description=st.none() | words,
    start_type=st.none()
    | st.sampled_from((StartType.MANUAL, StartType.DISABLED, StartType.AUTO)),
    service_type=st.none() | st.just(ServiceType.OWN_PROCESS),
    error_control=st.none() | st.sampled_from(ErrorControl),
    dependencies=st.none()
    | st.lists(
        st.sampled_from(("Tcpip", "+Net", "a,b c")), max_size=3, unique=True
    ).map(tuple),
    account=st.none() | st.sampled_from(("LocalSystem", r".\me", "NetworkService")),
    failure_actions=st.none()
    | st.just(FailureActions())
    | st.builds(
        FailureActions.restart,
        milliseconds,
        milliseconds,
        reset_period=st.none() | st.integers(0, 10**9).map(float),
    ),
    failure_actions_on_error=st.none() | st.booleans(),
    sid_type=st.none() | st.sampled_from(SidType),
    preshutdown_timeout=st.none() | milliseconds,
    triggers=st.none()
    | st.lists(
        st.one_of(
            st.just(Trigger.network_lost(action=TriggerAction.START)),
            some.map(Trigger.named_pipe),
            st.uuids().map(Trigger.rpc),
            st.integers(1, 65535).map(Trigger.firewall_port_closed),
        ),
        max_size=3,
    ).map(tuple),
    preferred_node=st.none() | st.integers(NO_NODE, 0xFFFF),
    launch_protection=st.none() | st.sampled_from(LaunchProtection),
    environment=st.none()
    | st.dictionaries(some.filter(lambda text: "=" not in text), words, max_size=1),
    event_source=st.none() | st.booleans(),
)
