"""securesystemslib, with which in-toto and TUF verify, judges the DSSE envelope of a decision."""

import base64
import copy
import json

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from . import Refused

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


def keys(jwks):
    """The Ed25519 keys of a JWK set (RFC 8037)."""
    found = []
    for key in jwks["keys"]:
        if key["kty"] == "OKP" and key["crv"] == "Ed25519":
            public = base64.urlsafe_b64decode(key["x"] + "==").hex()
            found.append(SSlibKey(key["kid"], "ed25519", "ed25519", {"public": public}))
    return found


def verify(envelope, jwks):
    """Checks an envelope's signature; answers the in-toto statement in it."""
    try:
        # It changes what it is given.
        parsed = Envelope.from_dict(copy.deepcopy(envelope))
        parsed.verify(keys(jwks), 1)
    except (VerificationError, ValueError, KeyError) as error:
        raise Refused(f"securesystemslib: {error}") from error
    if parsed.payload_type != PAYLOAD_TYPE:
        raise Refused(f"the payload is {parsed.payload_type}")
    statement = json.loads(parsed.payload)
    if statement["_type"] != STATEMENT_TYPE:
        raise Refused(f"the statement is {statement['_type']}")
    return statement
