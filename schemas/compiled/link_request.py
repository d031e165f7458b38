# Made by `make schema` from schemas/messages: change those. A test compares the two.
import re
from schemas.compiled import Mismatch


REGEX_PATTERNS = {
    '^[A-Za-z0-9_-]{86}$': re.compile('^[A-Za-z0-9_-]{86}\\Z'),
    '^[^\\u0000-\\u001f\\u007f]*$': re.compile('^[^\\u0000-\\u001f\\u007f]*\\Z'),
    '^[A-Za-z0-9_-]{43}$': re.compile('^[A-Za-z0-9_-]{43}\\Z')
}

NoneType = type(None)

def validate(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['number', 'device', 'auth_key', 'name', 'time', 'signature']) - data.keys()
        if data__missing_keys:
            raise Mismatch("" + (name_prefix or "data") + "", 'required')
        data_keys = set(data.keys())
        if "number" in data_keys:
            data_keys.remove("number")
            data__number = data["number"]
            validate___definitions_chain_number(data__number, custom_formats, (name_prefix or "data") + ".number")
        if "device" in data_keys:
            data_keys.remove("device")
            data__device = data["device"]
            validate___definitions_device(data__device, custom_formats, (name_prefix or "data") + ".device")
        if "auth_key" in data_keys:
            data_keys.remove("auth_key")
            data__authkey = data["auth_key"]
            validate___definitions_key(data__authkey, custom_formats, (name_prefix or "data") + ".auth_key")
        if "name" in data_keys:
            data_keys.remove("name")
            data__name = data["name"]
            validate___definitions_device_name(data__name, custom_formats, (name_prefix or "data") + ".name")
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

def validate___definitions_device_name(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        data_len = len(data)
        if data_len < 1:
            raise Mismatch("" + (name_prefix or "data") + "", 'minLength')
        if data_len > 40:
            raise Mismatch("" + (name_prefix or "data") + "", 'maxLength')
        if not REGEX_PATTERNS['^[^\\u0000-\\u001f\\u007f]*$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_key(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[A-Za-z0-9_-]{43}$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_device(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (int)) and not (isinstance(data, float) and data.is_integer()) or isinstance(data, bool):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, (int, float)) and not isinstance(data, bool):
        if data < 1:
            raise Mismatch("" + (name_prefix or "data") + "", 'minimum')
        if data > 32767:
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
    'auth_key',
    'device',
    'name',
    'number',
    'signature',
    'time',
))
