"""Judges the signature of a document that came in: enveloped, RSA with SHA-256, over the whole
document; trusts no certificate authority.

Accepted are the two forms that the register's own material has: enveloped alone (digest over
inclusive C14N), and enveloped with exclusive C14N; SignedInfo in either; the key as RSAKeyValue or
X509Certificate. Everything else is refused by name, so that nothing but the document itself can be
what was signed: no second signature, no reference elsewhere, no other transform, no weak algorithm.
Whether the key is the sender's is not judged: the register's certificate authority is not here
(partners are told apart by their keys to the exchange). Source: XML-Signature Syntax and Processing
(W3C, 2008); "Tekninen rajapinta - Tietojen toimittaminen tulorekisteriin 2021", chapter 3.2
(vero.fi).
"""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
from collections.abc import Callable, Iterable
from itertools import islice
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from exchange.adapters.income_register.document import BODY, ENVELOPE, Element
from exchange.adapters.income_register.parse import Document
from exchange.adapters.income_register.recognition import Abridgement
from exchange.adapters.income_register.signature.errors import Refused
from exchange.adapters.income_register.signature.key import TEXT_CHARACTERS_MAX, public_key
from exchange.adapters.income_register.signature.sign import DS, EXCLUSIVE
from exchange.ports import Parsed
from exchange.schemas.income_register.codes import ERRORS
from exchange.schemas.out_of_memory import raise_if_out_of_memory
from exchange.schemas.violation import Finding
from exchange.schemas.xml import XmlSchema

INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = f"{DS}enveloped-signature"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
#: Most attributes of an element: libxml2 puts them in canonical order in time by the square of
#: their number, holding the interpreter. No element of the register's, nor of a signature, has more
#: than a few.
ATTRIBUTES_MAX = 64
_TOO_MANY = etree.XPath(f"(descendant-or-self::*[@*[{ATTRIBUTES_MAX + 1}]])[1]")
#: Prefixes of exclusive C14N: libxml2 looks at each of them for each element.
PREFIXES_MAX = 100
#: What stands for the default namespace in a list of prefixes.
_DEFAULT = "#default"
_SIGNATURE = f"{{{DS}}}Signature"
_PREFIXES = f"{{{EXCLUSIVE}}}InclusiveNamespaces"
_OF_SIGNATURE = [f"{{{DS}}}{name}" for name in ("SignedInfo", "SignatureValue", "KeyInfo")]
_OF_INFO = [
    f"{{{DS}}}{name}" for name in ("CanonicalizationMethod", "SignatureMethod", "Reference")
]
_OF_REFERENCE = [f"{{{DS}}}{name}" for name in ("Transforms", "DigestMethod", "DigestValue")]
_HEADER = ENVELOPE.replace("Envelope", "Header")


def check_signature(parsed: Parsed, demanded: bool) -> list[Finding]:
    """What is wrong with the document's signature; an unsigned document is fine unless a signature
    is demanded.
    """
    root = parsed.root if parsed.root is not None else parsed.document
    abridged = parsed.abridged if isinstance(parsed, Document) else None
    try:
        if verify(root, parsed.document, parsed.pieces, abridged) or not demanded:
            return []
        rule, refused = (
            "signature-missing",
            Refused(parsed.document, "a signature as the last element"),
        )
    except Refused as error:
        rule, refused = "signature", error
    told = ERRORS[rule]
    return [
        Finding(
            rule=f"ir.{rule}",
            message=told.message,
            at=refused.at,
            expected=refused.expected,
            found=refused.found[:100],
            severity="error",
            code=told.code,
        )
    ]


def verify(
    root: Element,
    document: Element,
    pieces: Callable[[XmlSchema | None], Iterable[Element]] | None = None,
    abridged: Abridgement | None = None,
) -> bool:
    """Whether the document (which may lie in a SOAP envelope, `root`) is signed; False when there
    is no signature at all.

    A delivery that is read in pieces is `document` with its first reports; the digest is then of
    all `pieces`. Of an abridged one it is of the whole, restored.

    Raises:
        Refused: when there is something like a signature that is not accepted.
    """
    if root is not document:
        _check_envelope(root, document)
    signatures = list(islice(root.iter(_SIGNATURE), 2))
    if not signatures:
        return False
    if len(signatures) > 1:
        raise Refused(signatures[1], "one signature")
    signature = signatures[0]
    if signature.getparent() is not document or signature.getnext() is not None:
        raise Refused(signature, "the signature as the last element of the document's root")
    info, value, key_info = _parts(signature)
    _check_algorithm(info[1], RSA_SHA256, "rsa-sha256")
    method, prefixes, digest = _reference(info)
    alone = document
    forms = (info[0], info[2][0][-1])
    if (root is not document and any(map(_takes_scope, forms))) or any(map(_has_default, forms)):
        # Such a form carries namespaces because they are in scope; the envelope's were not when the
        # document was signed.
        alone = _alone(document)
        signature = alone[-1]
    if abridged is not None:
        whole = _digest(abridged.restored(_without(signature, alone, method, prefixes)))
    elif pieces is not None:
        whole = _digest_of_pieces(pieces(None), method, prefixes)
    else:
        whole = _digest((_without(signature, alone, method, prefixes),))
    if whole != digest:
        raise Refused(
            info[2],
            "the digest of the document as it is",
            "another digest: it was changed after it was signed",
        )
    public = public_key(key_info)
    canonical = _canonical(signature[0], _c14n(info[0]), _prefixes(info[0]))
    try:
        public.verify(_decoded(value), canonical, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise Refused(value, "the signature of SignedInfo by the key given") from None
    return True


def _check_envelope(root: Element, document: Element) -> None:
    """One document in the body, and nothing beside it that could be taken for it."""
    bodies = [child for child in root if child.tag == BODY]
    if len(bodies) != 1 or any(
        child.tag not in (BODY, _HEADER) for child in root.iterchildren("*")
    ):
        raise Refused(root, "a SOAP envelope with one body and at most a header before it")
    if document.getparent() is not bodies[0] or sum(1 for _ in bodies[0].iterchildren("*")) != 1:
        raise Refused(bodies[0], "one document in the SOAP body")


def _parts(signature: Element) -> tuple[Element, Element, Element]:
    """SignedInfo, SignatureValue and KeyInfo; nothing else may be there."""
    if (names := [child.tag for child in signature]) != _OF_SIGNATURE:
        raise Refused(
            signature, "SignedInfo, SignatureValue and KeyInfo, and nothing else", _plain(names)
        )
    info, value, key_info = signature
    if (inside := [child.tag for child in info]) != _OF_INFO:
        raise Refused(
            info,
            "one CanonicalizationMethod, one SignatureMethod and one Reference",
            _plain(inside),
        )
    return info, value, key_info


def _plain(tags: list[str]) -> str:
    return ", ".join(str(tag).rpartition("}")[2] for tag in tags)


def _check_algorithm(element: Element, algorithm: str, name: str) -> None:
    if element.get("Algorithm") != algorithm or len(element):
        raise Refused(
            element, f"{name} without parameters ({algorithm})", str(element.get("Algorithm"))
        )


def _c14n(element: Element) -> str:
    algorithm = str(element.get("Algorithm"))
    if algorithm not in (INCLUSIVE, EXCLUSIVE):
        raise Refused(element, "inclusive or exclusive C14N 1.0 without comments", algorithm)
    return algorithm


def _prefixes(element: Element) -> list[str]:
    """The prefix list of exclusive C14N; no other parameter is taken."""
    children = list(element)
    if (
        any(child.tag != _PREFIXES for child in children)
        or len(children) > 1
        or (children and element.get("Algorithm") != EXCLUSIVE)
    ):
        raise Refused(element, "no parameters but InclusiveNamespaces")
    found = children[0].get("PrefixList", "") if children else ""
    prefixes = found[:TEXT_CHARACTERS_MAX].split()
    if len(prefixes) > PREFIXES_MAX or len(found) > TEXT_CHARACTERS_MAX:
        raise Refused(element, f"at most {PREFIXES_MAX} prefixes")
    return prefixes


def _takes_scope(element: Element) -> bool:
    """Whether the canonical form that an element names holds namespaces which are in scope, used or
    not: the inclusive form (enveloped-signature alone has it too) all, the exclusive one those of
    its prefix list. Source: Exclusive XML Canonicalization 1.0 (W3C, 2002), chapter 3.
    """
    return element.get("Algorithm") != EXCLUSIVE or bool(_prefixes(element))


def _has_default(element: Element) -> bool:
    return _DEFAULT in _prefixes(element)


def _alone(document: Element) -> Element:
    """The document out of its envelope, ready for lists with `#default`: of the names in a list,
    lxml passes on to libxml2 (which knows this one) only those in the dictionary that the documents
    of a thread share, and a namespace's name gets there.
    """
    etree.fromstring(f'<a xmlns="{_DEFAULT}"/>')
    return copy.deepcopy(document)


def _reference(info: Element) -> tuple[str, list[str], bytes]:
    """The canonical form (with its prefix list) and the digest of the one reference, which is to
    the whole document.
    """
    reference = info[2]
    if reference.get("URI") != "" or reference.get("Type"):
        raise Refused(reference, 'URI="", the whole document', str(reference.get("URI")))
    if [child.tag for child in reference] != _OF_REFERENCE:
        raise Refused(reference, "Transforms, DigestMethod and DigestValue")
    transforms, method, value = reference
    algorithms = [str(each.get("Algorithm")) for each in transforms]
    if algorithms[:1] != [ENVELOPED] or len(algorithms) > 2 or len(transforms[0]):
        raise Refused(
            transforms,
            "enveloped-signature, then at most one canonicalization",
            ", ".join(algorithms),
        )
    _check_algorithm(method, SHA256, "SHA-256")
    if len(algorithms) == 1:
        return INCLUSIVE, [], _decoded(value)
    return _c14n(transforms[1]), _prefixes(transforms[1]), _decoded(value)


def _decoded(element: Element) -> bytes:
    text = element.text or ""
    if len(text) > TEXT_CHARACTERS_MAX:
        raise Refused(element, f"at most {TEXT_CHARACTERS_MAX} characters")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(element, "base64") from None


def _canonical(element: Element, method: str, prefixes: list[str]) -> bytes:
    if too_many := _with_too_many_attributes(element):
        raise Refused(too_many[0], f"at most {ATTRIBUTES_MAX} attributes of an element")
    exclusive = method == EXCLUSIVE
    wanted = prefixes if exclusive and prefixes else None
    try:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=exclusive,
            with_comments=False,
            inclusive_ns_prefixes=wanted,
            with_tail=False,
        )
    except etree.C14NError as error:
        raise_if_out_of_memory(error)
        # "Canonical XML 1.0" (W3C, 2001), 1.3: relative names of namespaces have no canonical form.
        raise Refused(element, "absolute URIs as the names of namespaces") from None


def _with_too_many_attributes(element: Element) -> list[Element]:
    try:
        return cast("list[Element]", _TOO_MANY(element))
    except etree.XPathEvalError as error:
        raise_if_out_of_memory(error)
        raise


def _without(signature: Element, document: Element, method: str, prefixes: list[str]) -> bytes:
    """The canonical form of the document without its signature.

    The signature is cut out of the canonical bytes: it is the only element of its name and the last
    one, and taking it out of the tree (lxml would move its namespace declarations) would change
    what is still to be verified.
    """
    whole = _canonical(document, method, prefixes)
    name = f"{signature.prefix}:Signature".encode() if signature.prefix else b"Signature"
    start = max(whole.rfind(b"<" + name + b" "), whole.rfind(b"<" + name + b">"))
    end = whole.rfind(b"</" + name + b">") + len(name) + 3
    return whole[:start] + whole[end:]


def _digest(canonical: Iterable[bytes | memoryview]) -> bytes:
    digest = hashlib.sha256()
    for part in canonical:
        digest.update(part)
    return digest.digest()


def _digest_of_pieces(pieces: Iterable[Element], method: str, prefixes: list[str]) -> bytes:
    """The digest of the whole: what stands before the reports, the reports of each piece, what
    stands after them.

    `<Reports>` has neither attributes nor declarations, and in canonical form no text can look like
    a tag.
    """
    digest, after = hashlib.sha256(), b""
    for number, piece in enumerate(pieces):
        scoped = method == INCLUSIVE or prefixes
        alone = (
            _alone(piece)
            if (scoped and piece.getparent() is not None) or _DEFAULT in prefixes
            else piece
        )
        canonical = _without(alone[-1], alone, method, prefixes)
        start, end = (
            canonical.index(b"<Reports>") + len(b"<Reports>"),
            canonical.rindex(b"</Reports>"),
        )
        digest.update(canonical[start:end] if number else canonical[:end])
        after = canonical[end:]
    digest.update(after)
    return digest.digest()
