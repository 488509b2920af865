"""The compact writer: a message as the octets that will be sealed. Byte-stable, no white space, declarations hoisted.

Nothing is parsed and no tree is built: a message of ten thousand devices is one pass over its values.
"""

from typing import Any

from meterpost.lifecycle.messages import Message
from meterpost.soap.shapes import SHAPES, Children, Shape
from meterpost_wsdl import compact, xmlio
from meterpost_wsdl.compact import PREFIX


def envelope(message: Message) -> bytes:
    """`message` in an envelope without header. Raises OverBudget for an identifier over its limit."""
    return compact.envelope(element(SHAPES[type(message)], message))


def element(shape: Shape, item: Any) -> str:
    """One element as compact XML."""
    parts = [f"<{PREFIX}:{shape.element}"]
    for attribute in shape.attributes:
        value = getattr(item, attribute.field) if attribute.field else item
        if value is not None:
            parts.append(f' {attribute.name}="{xmlio.attribute(attribute.kind.write(value))}"')
        elif not attribute.optional:
            raise ValueError(f"{shape.element}/@{attribute.name} has no value")
    content = "".join(element(children.shape, child) for children in shape.children for child in items(children, item))
    parts.append(f">{content}</{PREFIX}:{shape.element}>" if content else "/>")
    return "".join(parts)


def items(children: Children, item: Any) -> tuple[Any, ...]:
    """The values of a child list, whether it holds many or at most one."""
    value = getattr(item, children.field)
    if not children.single:
        return tuple(value)
    return () if value is None else (value,)
