"""What the cookie of the organisation's login (OIDC) proves of somebody, and whether it still lets them in.

Streamlit's cookie lives 30 days whatever the provider says, so its own end (`exp`), the moment of the login (`iat`) and whether that login
has been ended here are minded by us.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pipeline.store import people, sessions
from pipeline.store.clock import utc_now
from pipeline.store.database import Store


def proved_login(store: Store, claims: Mapping[str, object], lasts: timedelta) -> tuple[str, datetime] | None:
    """Whose account, and when the login at the provider was, if it begins a session; None if not.

    Somebody without an account here stays outside, as do accounts for emergencies, a login that has been ended here, and one older than `lasts`.
    """
    login = claims.get("preferred_username") or claims.get("email")
    proved, expires, now = _moment(claims.get("iat")), _moment(claims.get("exp")), utc_now()
    if not isinstance(login, str) or proved is None or expires is None or expires <= now or now - proved > lasts:
        return None
    with store.read() as conn:
        person = people.person(conn, login)
        used_up = sessions.is_used_up(conn, login, proved)
    return (login, proved) if person is not None and not person.break_glass and not used_up else None


def _moment(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int | float) else None
