# Made by `make schema` from schemas/messages: change those. A test compares the two.
import re
from schemas.compiled import Mismatch


REGEX_PATTERNS = {
    '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$': re.compile('^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\\Z')
}

NoneType = type(None)

def validate(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['account', 'devices']) - data.keys()
        if data__missing_keys:
            raise Mismatch("" + (name_prefix or "data") + "", 'required')
        data_keys = set(data.keys())
        if "account" in data_keys:
            data_keys.remove("account")
            data__account = data["account"]
            validate___definitions_account(data__account, custom_formats, (name_prefix or "data") + ".account")
        if "devices" in data_keys:
            data_keys.remove("devices")
            data__devices = data["devices"]
            if not isinstance(data__devices, (list, tuple)):
                raise Mismatch("" + (name_prefix or "data") + ".devices", 'type')
            data__devices_is_list = isinstance(data__devices, (list, tuple))
            if data__devices_is_list:
                data__devices_len = len(data__devices)
                if data__devices_len < 1:
                    raise Mismatch("" + (name_prefix or "data") + ".devices", 'minItems')
                if data__devices_len > 5:
                    raise Mismatch("" + (name_prefix or "data") + ".devices", 'maxItems')
                for data__devices_x, data__devices_item in enumerate(data__devices):
                    validate___definitions_device(data__devices_item, custom_formats, (name_prefix or "data") + ".devices[{data__devices_x}]".format(**locals()))
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

def validate___definitions_account(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

FIELDS = frozenset((
    'account',
    'devices',
))
