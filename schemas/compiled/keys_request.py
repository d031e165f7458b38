# Made by `make schema` from schemas/messages: change those. A test compares the two.
import re
from schemas.compiled import Mismatch


REGEX_PATTERNS = {
    '^[A-Za-z0-9_-]{43}$': re.compile('^[A-Za-z0-9_-]{43}\\Z'),
    '^[A-Za-z0-9_-]{86}$': re.compile('^[A-Za-z0-9_-]{86}\\Z'),
    '^[A-Za-z0-9_-]+$': re.compile('^[A-Za-z0-9_-]+\\Z')
}

NoneType = type(None)

def validate(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_any_of_count1 = 0
    if not data_any_of_count1:
        try:
            data_is_dict = isinstance(data, dict)
            if data_is_dict:
                data__missing_keys = set(['signed']) - data.keys()
                if data__missing_keys:
                    raise Mismatch("" + (name_prefix or "data") + "", 'required')
            data_any_of_count1 += 1
        except Mismatch: pass
    if not data_any_of_count1:
        try:
            data_is_dict = isinstance(data, dict)
            if data_is_dict:
                data__missing_keys = set(['last_resort']) - data.keys()
                if data__missing_keys:
                    raise Mismatch("" + (name_prefix or "data") + "", 'required')
            data_any_of_count1 += 1
        except Mismatch: pass
    if not data_any_of_count1:
        try:
            data_is_dict = isinstance(data, dict)
            if data_is_dict:
                data__missing_keys = set(['one_time']) - data.keys()
                if data__missing_keys:
                    raise Mismatch("" + (name_prefix or "data") + "", 'required')
            data_any_of_count1 += 1
        except Mismatch: pass
    if not data_any_of_count1:
        try:
            data_is_dict = isinstance(data, dict)
            if data_is_dict:
                data__missing_keys = set(['one_time_kem']) - data.keys()
                if data__missing_keys:
                    raise Mismatch("" + (name_prefix or "data") + "", 'required')
            data_any_of_count1 += 1
        except Mismatch: pass
    if not data_any_of_count1:
        raise Mismatch("" + (name_prefix or "data") + "", 'anyOf')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data_keys = set(data.keys())
        if "signed" in data_keys:
            data_keys.remove("signed")
            data__signed = data["signed"]
            validate___definitions_signed_prekey(data__signed, custom_formats, (name_prefix or "data") + ".signed")
        if "last_resort" in data_keys:
            data_keys.remove("last_resort")
            data__lastresort = data["last_resort"]
            validate___definitions_kem_prekey(data__lastresort, custom_formats, (name_prefix or "data") + ".last_resort")
        if "one_time" in data_keys:
            data_keys.remove("one_time")
            data__onetime = data["one_time"]
            if not isinstance(data__onetime, (list, tuple)):
                raise Mismatch("" + (name_prefix or "data") + ".one_time", 'type')
            data__onetime_is_list = isinstance(data__onetime, (list, tuple))
            if data__onetime_is_list:
                data__onetime_len = len(data__onetime)
                if data__onetime_len > 100:
                    raise Mismatch("" + (name_prefix or "data") + ".one_time", 'maxItems')
                for data__onetime_x, data__onetime_item in enumerate(data__onetime):
                    validate___definitions_prekey(data__onetime_item, custom_formats, (name_prefix or "data") + ".one_time[{data__onetime_x}]".format(**locals()))
        if "one_time_kem" in data_keys:
            data_keys.remove("one_time_kem")
            data__onetimekem = data["one_time_kem"]
            if not isinstance(data__onetimekem, (list, tuple)):
                raise Mismatch("" + (name_prefix or "data") + ".one_time_kem", 'type')
            data__onetimekem_is_list = isinstance(data__onetimekem, (list, tuple))
            if data__onetimekem_is_list:
                data__onetimekem_len = len(data__onetimekem)
                if data__onetimekem_len > 20:
                    raise Mismatch("" + (name_prefix or "data") + ".one_time_kem", 'maxItems')
                for data__onetimekem_x, data__onetimekem_item in enumerate(data__onetimekem):
                    validate___definitions_kem_prekey(data__onetimekem_item, custom_formats, (name_prefix or "data") + ".one_time_kem[{data__onetimekem_x}]".format(**locals()))
    return data

def validate___definitions_prekey(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['id', 'key']) - data.keys()
        if data__missing_keys:
            raise Mismatch("" + (name_prefix or "data") + "", 'required')
        data_keys = set(data.keys())
        if "id" in data_keys:
            data_keys.remove("id")
            data__id = data["id"]
            validate___definitions_prekey_id(data__id, custom_formats, (name_prefix or "data") + ".id")
        if "key" in data_keys:
            data_keys.remove("key")
            data__key = data["key"]
            validate___definitions_key(data__key, custom_formats, (name_prefix or "data") + ".key")
    return data

def validate___definitions_key(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[A-Za-z0-9_-]{43}$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_prekey_id(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (int)) and not (isinstance(data, float) and data.is_integer()) or isinstance(data, bool):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, (int, float)) and not isinstance(data, bool):
        if data < 1:
            raise Mismatch("" + (name_prefix or "data") + "", 'minimum')
        if data > 2147483647:
            raise Mismatch("" + (name_prefix or "data") + "", 'maximum')
    return data

def validate___definitions_kem_prekey(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['id', 'key', 'signature']) - data.keys()
        if data__missing_keys:
            raise Mismatch("" + (name_prefix or "data") + "", 'required')
        data_keys = set(data.keys())
        if "id" in data_keys:
            data_keys.remove("id")
            data__id = data["id"]
            validate___definitions_prekey_id(data__id, custom_formats, (name_prefix or "data") + ".id")
        if "key" in data_keys:
            data_keys.remove("key")
            data__key = data["key"]
            validate___definitions_kem_key(data__key, custom_formats, (name_prefix or "data") + ".key")
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

def validate___definitions_kem_key(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        data_len = len(data)
        if data_len < 2091:
            raise Mismatch("" + (name_prefix or "data") + "", 'minLength')
        if data_len > 2091:
            raise Mismatch("" + (name_prefix or "data") + "", 'maxLength')
        if not REGEX_PATTERNS['^[A-Za-z0-9_-]+$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_signed_prekey(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['id', 'key', 'signature']) - data.keys()
        if data__missing_keys:
            raise Mismatch("" + (name_prefix or "data") + "", 'required')
        data_keys = set(data.keys())
        if "id" in data_keys:
            data_keys.remove("id")
            data__id = data["id"]
            validate___definitions_prekey_id(data__id, custom_formats, (name_prefix or "data") + ".id")
        if "key" in data_keys:
            data_keys.remove("key")
            data__key = data["key"]
            validate___definitions_key(data__key, custom_formats, (name_prefix or "data") + ".key")
        if "signature" in data_keys:
            data_keys.remove("signature")
            data__signature = data["signature"]
            validate___definitions_signature(data__signature, custom_formats, (name_prefix or "data") + ".signature")
    return data

FIELDS = frozenset((
    'id',
    'key',
    'last_resort',
    'one_time',
    'one_time_kem',
    'signature',
    'signed',
))
