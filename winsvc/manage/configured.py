"""One service's settings and security, as a client of the SCM reads them."""

from __future__ import annotations

from collections.abc import Callable

from winsvc.manage import rights
from winsvc.manage.arguments import check_texts, code_of
from winsvc.manage.backend import Backend, Handles, change_security, reported
from winsvc.manage.reading import Reader
from winsvc.manage.security import TO_START, Ace, Dacl, parse_dacl
from winsvc.settings.config import ServiceConfig
from winsvc.settings.lockout import is_for_administrators


class ConfiguredService:
    """What a :class:`winsvc.ServiceHandle` tells of the service's configuration.

    Changing it is the manager's: :meth:`winsvc.ServiceManager.apply`.

    Attributes:
        name: Key name, as it was opened.
    """

    def __init__(self, name: str, backend: Backend, handles: Handles) -> None:
        self.name = name
        self._backend = backend
        self._handles = handles

    def config(self) -> ServiceConfig:
        """Return the service's settings, all that this system can tell.

        ``None`` stands for what it does not know, and for what the caller may not
        see; the password is never told.  What is there may break rules that a
        configuration of ours has to keep.

        Raises:
            ServiceAccessDenied: The settings may not be read (5).
            ServiceError: They cannot be read.
        """
        with reported("read the settings of", self.name):
            return Reader(self._backend, self.name, self._handles).config()

    def command_line(self) -> str:
        """Return what the SCM runs, as it is kept: ``ImagePath`` (E-16).

        Raises:
            ServiceError: It cannot be read.
        """
        with reported("read the settings of", self.name):
            handle = self._handles.get(rights.QUERY_CONFIG)
            return self._backend.service_config(handle)[3]

    def security(self) -> str:
        """Return the security descriptor without its SACL, as SDDL.

        Raises:
            ServiceError: It cannot be read.
        """
        with reported("read the security of", self.name):
            handle = self._handles.get(rights.READ_CONTROL)
            return self._backend.service_security(handle)

    def grant(self, account: str, allowed: int) -> bool:
        r"""Allow an account to do something with the service.

        Args:
            account: ``DOMAIN\user``, ``.\user``, a group, or a SID.
            allowed: Mask of :class:`winsvc.manage.security.ServiceRight`.

        Returns:
            Whether that has changed anything: False, it was allowed already by an
            entry of its own.

        Raises:
            ServiceError: There is no such account (1332); the caller may not
                change the security (5); this system keeps none (50).
            ValueError: An entry denies it that; or the entries have something
                that is not understood.  Nothing has been changed.
            TypeError: The account is no text, or the mask no number.
        """
        allowed = code_of("grant", "allowed", allowed, "a mask of ServiceRight")
        check_texts("grant", "account", (account,))
        return self._change_dacl(account, lambda dacl, sid: dacl.grant(sid, allowed))

    def deny(self, account: str, denied: int) -> bool:
        """Forbid an account something, whatever its groups are allowed.

        Args, returns, raises: as :meth:`grant`; ValueError too if administrators
        could not change the service's security any more.
        """
        denied = code_of("deny", "denied", denied, "a mask of ServiceRight")
        check_texts("deny", "account", (account,))
        return self._change_dacl(account, lambda dacl, sid: dacl.deny(sid, denied))

    def revoke(self, account: str) -> bool:
        """Take out the account's own entries, what they allow and what they deny.

        What its groups may do, it may then again.

        Args, returns, raises: as :meth:`deny`.
        """
        check_texts("revoke", "account", (account,))

        def without(dacl: Dacl, sid: str) -> Dacl:
            kept = (each for each in dacl.entries if not each.is_direct(sid))
            return Dacl(tuple(kept), dacl.control)

        return self._change_dacl(account, without)

    def _change_dacl(self, account: str, change: Callable[[Dacl, str], Dacl]) -> bool:
        backend = self._backend
        with reported(f"find account {account} for", self.name):
            is_sid = account.upper().startswith("S-1-")
            sid = account if is_sid else backend.account_sid(backend.machine, account)
        old = parse_dacl(self.security())
        new = change(old, Ace(True, 0, sid).sid)
        if new == old:
            return False
        if is_for_administrators(str(old)) and not is_for_administrators(str(new)):
            msg = "administrators could not change its security any more"
            raise ValueError(msg)
        with reported("change the security of", self.name):
            handle = self._handles.get(rights.READ_CONTROL | rights.WRITE_DAC)
            change_security(backend, handle, str(new))
        return True

    def grant_start(self, account: str) -> bool:
        """Allow an account to start the service and to see how it is doing.

        Args, returns, raises: as :meth:`grant`.
        """
        check_texts("grant_start", "account", (account,))
        return self.grant(account, TO_START)
