# Made by `make schema` from schemas/messages: change those. A test compares the two.
import re
from schemas.compiled import Mismatch


REGEX_PATTERNS = {
    '^([a-z][a-z0-9_.]{1,29}|\\+[1-9][0-9]{7,14})$': re.compile('^([a-z][a-z0-9_.]{1,29}|\\+[1-9][0-9]{7,14})\\Z')
}

NoneType = type(None)

def validate(data, custom_formats={}, name_prefix=None):
    validate___definitions_handle(data, custom_formats, (name_prefix or "data") + "")
    return data

def validate___definitions_handle(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^([a-z][a-z0-9_.]{1,29}|\\+[1-9][0-9]{7,14})$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

FIELDS = frozenset((
))
