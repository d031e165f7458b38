# Made by `make schema` from schemas/messages: change those. A test compares the two.
import re
from schemas.compiled import Mismatch


REGEX_PATTERNS = {
    '^[A-Za-z0-9._:-]{1,64}$': re.compile('^[A-Za-z0-9._:-]{1,64}\\Z')
}

NoneType = type(None)

def validate(data, custom_formats={}, name_prefix=None):
    validate___definitions_ref(data, custom_formats, (name_prefix or "data") + "")
    return data

def validate___definitions_ref(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[A-Za-z0-9._:-]{1,64}$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

FIELDS = frozenset((
))
