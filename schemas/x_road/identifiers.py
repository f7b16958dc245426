"""X-Road's identifiers of clients, services and servers, in XML and as a path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from exchange.schemas.value import value

XROAD = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS = "http://x-road.eu/xsd/identifiers"
#: Parts of an identifier in XML, in their order.
PARTS = (
    "xRoadInstance",
    "memberClass",
    "memberCode",
    "subsystemCode",
    "serviceCode",
    "serviceVersion",
    "serverCode",
)
#: The same parts in the JSON of the metadata services.
JSON_PARTS = (
    "xroad_instance",
    "member_class",
    "member_code",
    "subsystem_code",
    "service_code",
    "service_version",
    "server_code",
)


@value
class Identifier:
    """An identifier: its object type and its parts by name, those that are not there left out."""

    object_type: str
    parts: Mapping[str, str]

    @property
    def path(self) -> str:
        """The parts with slashes: `FI/GOV/0245437-2/VTJkysely`."""
        return "/".join(self.parts[name] for name in PARTS if name in self.parts)

    @property
    def owner(self) -> str:
        """Whose service or subsystem it is: the path without what belongs to a service."""
        own = PARTS[:4]
        return "/".join(self.parts[name] for name in own if name in self.parts)

    def as_xml(self, element: str) -> str:
        """The identifier as an element of that (prefixed) name; prefixes `xrd` and `id` are
        declared around it.
        """
        inside = "".join(
            f"<id:{name}>{escape(self.parts[name])}</id:{name}>"
            for name in PARTS
            if name in self.parts
        )
        return f'<{element} id:objectType="{self.object_type}">{inside}</{element}>'

    def as_json(self) -> dict[str, str]:
        """The identifier as the metadata services write it in JSON."""
        named = dict(zip(PARTS, JSON_PARTS, strict=True))
        found = {named[name]: self.parts[name] for name in PARTS if name in self.parts}
        return {**found, "object_type": self.object_type}


def client(parts: Sequence[str]) -> Identifier:
    """A member (three parts) or a subsystem (four)."""
    kind = "MEMBER" if len(parts) == 3 else "SUBSYSTEM"
    return Identifier(kind, dict(zip(PARTS, parts, strict=False)))


def service(owner: str, code: str, version: str = "") -> Identifier:
    """A service of an owner (`FI/GOV/0245437-2/VTJkysely`)."""
    named = dict(zip(PARTS, owner.split("/"), strict=False)) | {"serviceCode": code}
    return Identifier("SERVICE", named | ({"serviceVersion": version} if version else {}))
