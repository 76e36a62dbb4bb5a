"""Checks of what the SCM knows: state, settings, account, dependencies, events."""

from __future__ import annotations

from collections.abc import Iterator

from winsvc.doctor.facts import Facts
from winsvc.doctor.findings import (
    Verdict,
    check,
    command,
    inapplicable,
    note,
    problem,
    unchecked,
    warning,
)
from winsvc.errors import describe
from winsvc.settings.accounts import LOCAL_SYSTEM, takes_password, virtual_account
from winsvc.settings.values import ActionKind
from winsvc.states import FailureCode, StartType, State
from winsvc.winerror import (
    ERROR_PROCESS_ABORTED,
    ERROR_SERVICE_LOGON_FAILED,
    ERROR_SERVICE_NEVER_STARTED,
    ERROR_SERVICE_SPECIFIC_ERROR,
)

_MANY = 5

_RIGHT = "the right to log on as a service"
_POLICY = "secpol.msc, User Rights Assignment"
_MANAGED = "check on this computer that Test-ADServiceAccount says True for it"
_LOGON_REFUSED = 7041
_WELL = (0, ERROR_SERVICE_NEVER_STARTED)
_OWN_CODES = {
    FailureCode.IMPORT: "its code could not be imported, or is no service",
    FailureCode.START: "on_start raised an exception",
    FailureCode.RUN: "run raised an exception",
    FailureCode.HANDLER: "the handler of a control raised an exception",
    FailureCode.STOP: "on_stop or on_shutdown raised an exception",
    FailureCode.DEADLINE: "starting or stopping took too long",
}


@check("deletion", "it is not marked for deletion", "deletion")
def deletion(facts: Facts) -> Iterator[Verdict]:
    """1072: it is gone once it has stopped and all have closed it (E-32)."""
    if facts.is_deleted:
        yield problem(
            "it is marked for deletion (1072): nothing of it can be changed or started",
            "stop it, and close services.msc, Task Manager and whatever else shows it; "
            "a restart of the system removes it for certain",
        )


@check("state", "it is in no state that needs attention")
def state(facts: Facts) -> Iterator[Verdict]:
    """Whether it runs, and what it ended with."""
    status = facts.status
    if status.state.is_pending:
        yield note(
            f"it is {status.state.name} just now, checkpoint {status.checkpoint}",
            "ask again in a moment; if that stays so, its log says what it waits for",
        )
    if status.state is not State.STOPPED or status.exit_code == 0:
        return
    if status.exit_code == ERROR_SERVICE_NEVER_STARTED:
        remedy: str | None = command("start", facts.name)
        if facts.config.start_type is StartType.DISABLED:
            remedy = None  # `start type` has it
        elif facts.service_word == "":
            remedy = "`hosting` here says why its start may fail"
        yield note("it has not been started since the last boot (1077)", remedy)
    elif status.exit_code == ERROR_SERVICE_SPECIFIC_ERROR:
        yield problem(_own_code(status.service_exit_code), _see(facts))
    elif status.exit_code == ERROR_PROCESS_ABORTED:
        yield problem(
            "its process ended without a word (1067): it crashed, ended itself as "
            "os._exit does, was ended by somebody, or was past a deadline",
            _see(facts),
        )
    elif status.exit_code == ERROR_SERVICE_LOGON_FAILED:
        yield note(
            "its last start failed, since its account could not log on (1069)",
            "`account` here says more",
        )
    else:
        name, meaning, remedy = describe(status.exit_code)
        what = f"its last start or run ended with {status.exit_code} {name}".rstrip()
        yield problem(f"{what}: {meaning}", remedy or _see(facts))


@check("start type", "it is not disabled", "config")
def start_type(facts: Facts) -> Iterator[Verdict]:
    """1058; deletion disables it too (E-31)."""
    if facts.is_deleted:
        yield inapplicable("it is marked for deletion, which disables it")
    elif facts.config.start_type is StartType.DISABLED:
        yield problem(
            "it is disabled (1058)",
            f"{command('apply', facts.name, '--start-type manual')}, or auto",
        )


@check("account", "there is such an account", "config")
def account(facts: Facts) -> Iterator[Verdict]:
    """1057, 1069: who it logs on as."""
    name = facts.config.account or LOCAL_SYSTEM
    if name.startswith("NT SERVICE\\"):
        if name.upper() != virtual_account(facts.name).upper():
            yield problem(
                f"its account {name} is another service's own (1069)",
                command(
                    "apply", facts.name, f'--account "{virtual_account(facts.name)}"'
                ),
            )
    elif "account" in facts.unknown:
        yield unchecked(facts.unknown["account"])
    elif facts.account_sid is None:
        yield problem(
            f"there is no account {name} (1057, or 1069 at its start)",
            rf"{command('apply', facts.name, '--account')} with DOMAIN\user or .\user",
        )
    if _has_failed_to_log_on(facts):
        yield _logon(facts, name)
    elif _may_fail_to_log_on(facts):
        yield note(
            f"{name} does not itself have {_RIGHT}: its start fails (1069) unless a "
            "group that it is in has it",
            f"{_apply_account(facts, name)} grants it",
        )


@check(
    "shared account", "services of its process have its account", "config", "sharers"
)
def shared_account(facts: Facts) -> Iterator[Verdict]:
    """1079 (E-49e)."""
    own = facts.config.account or LOCAL_SYSTEM
    remedy = command("apply", facts.name, "--account ...")
    if not facts.sharers:
        yield inapplicable("it shares its process with no other service")
    for name, other in facts.sharers:
        if other.upper() != own.upper():
            yield problem(
                f"it shares a process with {name}, which runs as {other}, not as {own} "
                "(1079)",
                f"{remedy}: all of them need the same",
            )


@check("dependencies", "what it depends on is there and can start", "dependencies")
def dependencies(facts: Facts) -> Iterator[Verdict]:
    """1075, 1068 (E-46 to E-48)."""
    if not facts.dependencies:
        yield inapplicable("it depends on nothing")
    elif facts.circle:
        names = " -> ".join((*facts.circle, facts.circle[0]))
        yield problem(
            f"its dependencies lead in a circle (1059): {names}",
            f"{command('apply', facts.circle[-1], '--depends ...')} without "
            f"{facts.circle[0]}, or take out another of them",
        )
    elif "circle" in facts.unknown:
        yield unchecked(f"whether they lead in a circle: {facts.unknown['circle']}")
    for each in facts.dependencies:
        if each.name.startswith("+"):
            if each.state is None:
                yield problem(
                    f"no service is in the group {each.name[1:]} that it depends on "
                    "(1068)",
                    command("apply", facts.name, "--depends ..."),
                )
        elif each.state is None:
            yield problem(
                f"it depends on {each.name}, which does not exist (1075)",
                f"install that, or {command('apply', facts.name, '--depends ...')}",
            )
        elif each.state is State.STOPPED and each.start_type is StartType.DISABLED:
            yield problem(
                f"it depends on {each.name}, which is disabled (1068)",
                command("apply", each.name, "--start-type manual"),
            )
        elif each.state is State.STOPPED and each.exit_code not in _WELL:
            yield warning(
                f"it depends on {each.name}, which has stopped with {each.exit_code}",
                f"{command('doctor', each.name)} tells why",
            )


@check("failure actions", "the SCM does something when it fails", "config")
def failure_actions(facts: Facts) -> Iterator[Verdict]:
    """E-50 to E-52; Wine does not tell them (H-11)."""
    actions = facts.config.failure_actions
    if actions is None:
        yield unchecked("this system does not tell its failure actions")
    elif all(each.kind is ActionKind.NONE for each in actions.actions):
        yield note(
            "nothing is done when it fails",
            command("apply", facts.name, "--on-failure restart:5,restart:30"),
        )
    elif facts.config.failure_actions_on_error is False:
        yield note(
            "its failure actions count only crashes, no stop with an exit code (E-50)",
            command("apply", facts.name, "--fail-on-error"),
        )
    elif facts.config.failure_actions_on_error is None:
        yield unchecked("this system does not tell whether exit codes are failures")


@check("SCM's events", "the SCM has logged no failure of it lately", "events")
def events(facts: Facts) -> Iterator[Verdict]:
    """The newest of them, as evidence: the other checks say what to do."""
    seen: set[int] = set()
    for each in facts.events:
        if each.event_id in seen or len(seen) == _MANY:
            continue
        seen.add(each.event_id)
        count = sum(other.event_id == each.event_id for other in facts.events)
        often = f", {count} times lately" if count > 1 else ""
        when = each.when.astimezone().isoformat(" ", "seconds")
        text = " ".join(each.message.split())
        yield note(
            f"{when}, event {each.event_id}{often}: {text}",
            f"{command('logs', facts.name, '--events')} shows all, if nothing here "
            "says why",
        )


CHECKS = (
    deletion,
    state,
    start_type,
    account,
    shared_account,
    dependencies,
    failure_actions,
    events,
)


def has_failed(facts: Facts) -> bool:
    """Tell whether it has stopped with an error."""
    status = facts.status
    return status.state is State.STOPPED and status.exit_code not in _WELL


def _has_failed_to_log_on(facts: Facts) -> bool:
    if facts.status.state is not State.STOPPED:
        return False
    newest = next((each.event_id for each in facts.events), 0)
    is_start = newest in (7000, 7038, 7041)
    logon = {7038, 7041} & {each.event_id for each in facts.events[:3]}
    return facts.status.exit_code == ERROR_SERVICE_LOGON_FAILED or (
        is_start and bool(logon)
    )


def _may_fail_to_log_on(facts: Facts) -> bool:
    """Tell whether its first start may fail for want of the right (E-15)."""
    is_known = "logon_right" not in facts.unknown
    has_started = facts.status.exit_code != ERROR_SERVICE_NEVER_STARTED
    return is_known and not facts.has_logon_right and not has_started


def _logon(facts: Facts, name: str) -> Verdict:
    """Say which of the two it was, the password or the right, as far as is known."""
    is_refused = _LOGON_REFUSED in (each.event_id for each in facts.events)
    what = f"{name}: it could not log on (1069)"
    if is_refused:
        what = f"{name}: it may not log on as a service (1069, event {_LOGON_REFUSED})"
    apply = _apply_account(facts, name)
    asks = f"{apply} asks for the present password" if takes_password(name) else ""
    if "logon_right" in facts.unknown:
        return problem(what, f"{asks or _MANAGED}; grant it {_RIGHT} ({_POLICY})")
    if not facts.has_logon_right:
        what += f"; it does not itself have {_RIGHT}, though a group that it is in may"
        grants = f"{asks} and grants that" if asks else f"{apply} grants that"
        return problem(what, grants if asks else f"{grants}; {_MANAGED}")
    what += f"; it has {_RIGHT}"
    if is_refused:
        again = f"{command('start', facts.name)} again if that is new"
        return problem(what, f"{again}; else see that nothing denies it ({_POLICY})")
    return problem(what, asks or _MANAGED)


def _apply_account(facts: Facts, name: str) -> str:
    return command("apply", facts.name, f"--account {_word(name)}")


def _word(name: str) -> str:
    """Return an account's name as a command line has it."""
    return f'"{name}"' if " " in name else name


def _own_code(code: int) -> str:
    try:
        failure = FailureCode(code)
    except ValueError:
        return f"it stopped with its own exit code {code} (1066)"
    return f"{_OWN_CODES[failure]} (1066, {code} {failure.name})"


def _see(facts: Facts) -> str:
    if facts.log_file and facts.last_error:
        return f"see its log {facts.log_file}"
    remedy = "run it with `debug` to see what it does"
    if facts.log_file and not facts.log_trouble:
        has = "has no error in it" if facts.has_log_file else "is not there"
        return f"{remedy}: its log {facts.log_file} {has}"
    return remedy
