"""The password proof (SRP) that front ends sign in with, as Cognito asks for it: moto accepts any.

Amplify's default sign-in never sends the password. It proves that it knows it by SRP-6a (RFC 5054) in the 3072-bit
group of RFC 3526, as AWS's own clients do; a wrong password is refused here as it is there.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
_GENERATOR = 2
_CONTEXT = b"Caldera Derived Key"
_INSTALLED = "asks_for_proof"


def _padded(number: int) -> bytes:
    """A number as AWS's clients write it: big-endian, with a zero byte before a first bit that is set."""
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hashed(*numbers: int) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(map(_padded, numbers))).digest(), "big")


_MULTIPLIER = _hashed(_PRIME, _GENERATOR)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One sign-in under way: the client's public number, and our private and public one."""

    pool_name: str
    username: str
    password: str
    client_public: int
    salt: int
    private: int
    public: int

    @classmethod
    def of(cls, pool_id: str, username: str, password: str, client_public: str) -> "Challenge":
        """A fresh challenge. ``client_public`` is the hexadecimal number that the client sent as SRP_A."""
        pool_name = pool_id.partition("_")[2]
        salt, private = secrets.randbits(128), secrets.randbits(1024)
        verifier = pow(_GENERATOR, _secret(salt, pool_name, username, password), _PRIME)
        public = (_MULTIPLIER * verifier + pow(_GENERATOR, private, _PRIME)) % _PRIME
        return cls(pool_name, username, password, int(client_public, 16), salt, private, public)

    def accepts(self, responses: Mapping[str, str]) -> bool:
        """Whether the client's answer proves that it knows the password."""
        if self.client_public % _PRIME == 0:  # would make the shared number zero, whatever the password
            return False
        mixed = _hashed(self.client_public, self.public)
        verifier = pow(_GENERATOR, _secret(self.salt, self.pool_name, self.username, self.password), _PRIME)
        shared = pow(self.client_public * pow(verifier, mixed, _PRIME), self.private, _PRIME)
        key = HKDF(SHA256(), 16, _padded(mixed), _CONTEXT).derive(_padded(shared))
        said = self.pool_name.encode() + self.username.encode()
        said += b64decode(responses["PASSWORD_CLAIM_SECRET_BLOCK"]) + responses["TIMESTAMP"].encode()
        expected = b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(expected, responses.get("PASSWORD_CLAIM_SIGNATURE", ""))


def _secret(salt: int, pool_name: str, username: str, password: str) -> int:
    known = hashlib.sha256(f"{pool_name}{username}:{password}".encode()).digest()
    return int.from_bytes(hashlib.sha256(_padded(salt) + known).digest(), "big")


def install() -> None:
    """Has moto's Cognito ask for the proof, and check it."""
    from moto.cognitoidp.exceptions import NotAuthorizedError
    from moto.cognitoidp.models import CognitoIdpBackend

    if hasattr(CognitoIdpBackend, _INSTALLED):
        return
    pending: dict[str, tuple[Challenge, str]] = {}
    initiate, respond = CognitoIdpBackend.initiate_auth, CognitoIdpBackend.respond_to_auth_challenge

    def initiate_auth(self: Any, client_id: str, auth_flow: str, auth_parameters: dict[str, str]) -> Any:
        answer = initiate(self, client_id, auth_flow, auth_parameters)
        if answer.get("ChallengeName") == "PASSWORD_VERIFIER":
            said = answer["ChallengeParameters"]
            session, name = said["SECRET_BLOCK"], said["USERNAME"]
            _, pool = self.sessions[session]
            user = self.admin_get_user(pool.id, name)
            challenge = Challenge.of(pool.id, name, user.password, auth_parameters["SRP_A"])
            block = b64encode(secrets.token_bytes(32)).decode()
            pending[block] = (challenge, session)
            said |= {
                "USER_ID_FOR_SRP": name,
                "SALT": f"{challenge.salt:x}",
                "SRP_B": f"{challenge.public:x}",
                "SECRET_BLOCK": block,
            }
        return answer

    def respond_to_auth_challenge(
        self: Any, session: str, client_id: str, challenge_name: str, challenge_responses: dict[str, str]
    ) -> Any:
        if challenge_name == "PASSWORD_VERIFIER":
            known = pending.pop(challenge_responses.get("PASSWORD_CLAIM_SECRET_BLOCK", ""), None)
            if known is None or not known[0].accepts(challenge_responses):
                raise NotAuthorizedError("Incorrect username or password.")
            challenge_responses = {**challenge_responses, "PASSWORD_CLAIM_SECRET_BLOCK": known[1]}
        return respond(self, session, client_id, challenge_name, challenge_responses)

    for name, value in {
        "initiate_auth": initiate_auth,
        "respond_to_auth_challenge": respond_to_auth_challenge,
        _INSTALLED: True,
    }.items():
        setattr(CognitoIdpBackend, name, value)
