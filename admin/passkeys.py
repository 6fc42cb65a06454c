"""Passkeys (WebAuthn level 2): what a browser is asked, and whether its answer is signed. Keys and ids are base64url.

Loaded when somebody first has to do with one: the library brings 14 MB with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

UNSIGNED = (WebAuthnException, ValueError, TypeError, KeyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A challenge, and what the browser is asked with it, as JSON."""

    challenge: str = field(repr=False)
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """What a new one is known by."""

    id: str
    key: str = field(repr=False)
    counter: int


def to_show(rp_id: str, ids: Iterable[str]) -> Asked:
    """Asks for one of these."""
    made = webauthn.generate_authentication_options(
        rp_id=rp_id, allow_credentials=_named(ids), user_verification=UserVerificationRequirement.REQUIRED
    )
    return Asked(challenge=bytes_to_base64url(made.challenge), options=webauthn.options_to_json(made))


def to_set_up(rp_id: str, rp_name: str, *, user: str, login: str, name: str, ids: Iterable[str]) -> Asked:
    """Asks for a new one, on something that holds none of these."""
    made = webauthn.generate_registration_options(
        rp_id=rp_id,
        rp_name=rp_name,
        user_id=user.encode(),
        user_name=login,
        user_display_name=name,
        exclude_credentials=_named(ids),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return Asked(challenge=bytes_to_base64url(made.challenge), options=webauthn.options_to_json(made))


def shown(
    answer: dict[str, Any], *, challenge: str, rp_id: str, origin: str, key: str, counter: int
) -> int | None:
    """The counter a passkey stands at now; None when this is not signed by it."""
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=base64url_to_bytes(key),
            credential_current_sign_count=counter,
            require_user_verification=True,
        )
    except UNSIGNED:
        return None
    return verified.new_sign_count


def set_up(answer: dict[str, Any], *, challenge: str, rp_id: str, origin: str) -> Passkey | None:
    """The new passkey; None when it is not as it was asked for."""
    try:
        verified = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=True,
        )
    except UNSIGNED:
        return None
    return Passkey(
        id=bytes_to_base64url(verified.credential_id),
        key=bytes_to_base64url(verified.credential_public_key),
        counter=verified.sign_count,
    )


def _named(ids: Iterable[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in ids]
