"""What may be reachable from where."""

import ipaddress

from domain.errors import Invalid


def check_exposure(host: str, *, dev_identity: bool) -> None:
    """Refuse to listen beyond loopback while anybody can claim to be anybody. Raises Invalid."""
    if not dev_identity or host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise Invalid(
            f"LIUDAN_DEV_IDENTITY=1 lets everybody claim any role, so the server does not listen on {host}; "
            "use 127.0.0.1, or unset it",
            rule="dev-identity-exposed",
            field="host",
        )
