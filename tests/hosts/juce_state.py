"""A saved session of a JUCE host (pedalboard, dawdreamer), with something else in what the plugin saved.

JUCE keeps a VST3's state as XML in a binary wrapper, with the plugin's bytes in an encoding of its own: the number of
bytes, a dot, and six bits a character, the lowest first.
"""
import json
import re
import struct

ALPHABET = ".ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+"


def decoded(text):
    size, characters = text.split(".", 1)
    bits = sum(ALPHABET.index(character) << 6 * i for i, character in enumerate(characters))
    return (bits & (1 << 8 * int(size)) - 1).to_bytes(int(size), "little")


def encoded(data):
    bits = int.from_bytes(data, "little")
    characters = ((bits >> 6 * i) & 63 for i in range((8 * len(data) + 5) // 6))
    return f"{len(data)}." + "".join(ALPHABET[index] for index in characters)


def with_field(state, field, content):
    """The state, with a persisted field of the plugin replaced."""
    magic, size = struct.unpack_from("<II", state)
    xml = state[8:8 + size].decode()
    component = re.search(r"<IComponent>(.*?)</IComponent>", xml)
    values = json.loads(decoded(component[1]))
    values["fields"][field] = json.dumps(str(content))
    changed = encoded(json.dumps(values).encode())
    xml = (xml[:component.start(1)] + changed + xml[component.end(1):]).encode()
    return struct.pack("<II", magic, len(xml)) + xml + state[8 + size:]
