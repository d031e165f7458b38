# Made by `make schema` from schemas/messages: change those. A test compares the two.
import re
from schemas.compiled import Mismatch


REGEX_PATTERNS = {
    '^[A-Za-z0-9_-]{86}$': re.compile('^[A-Za-z0-9_-]{86}\\Z')
}

NoneType = type(None)

def validate(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['number', 'time', 'signature']) - data.keys()
        if data__missing_keys:
            raise Mismatch("" + (name_prefix or "data") + "", 'required')
        data_keys = set(data.keys())
        if "number" in data_keys:
            data_keys.remove("number")
            data__number = data["number"]
            validate___definitions_chain_number(data__number, custom_formats, (name_prefix or "data") + ".number")
        if "time" in data_keys:
            data_keys.remove("time")
            data__time = data["time"]
            validate___definitions_ms(data__time, custom_formats, (name_prefix or "data") + ".time")
        if "signature" in data_keys:
            data_keys.remove("signature")
            data__signature = data["signature"]
            validate___definitions_signature(data__signature, custom_formats, (name_prefix or "data") + ".signature")
    return data

def validate___definitions_signature(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[A-Za-z0-9_-]{86}$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_ms(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (int)) and not (isinstance(data, float) and data.is_integer()) or isinstance(data, bool):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, (int, float)) and not isinstance(data, bool):
        if data < 0:
            raise Mismatch("" + (name_prefix or "data") + "", 'minimum')
        if data > 281474976710655:
            raise Mismatch("" + (name_prefix or "data") + "", 'maximum')
    return data

def validate___definitions_chain_number(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (int)) and not (isinstance(data, float) and data.is_integer()) or isinstance(data, bool):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, (int, float)) and not isinstance(data, bool):
        if data < 1:
            raise Mismatch("" + (name_prefix or "data") + "", 'minimum')
        if data > 100000:
            raise Mismatch("" + (name_prefix or "data") + "", 'maximum')
    return data

FIELDS = frozenset((
    'number',
    'signature',
    'time',
))
