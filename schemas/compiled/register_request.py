# Made by `make schema` from schemas/messages: change those. A test compares the two.
import re
from schemas.compiled import Mismatch


REGEX_PATTERNS = {
    '^[0-9]{6}$': re.compile('^[0-9]{6}\\Z'),
    '^[A-Za-z0-9_-]{86}$': re.compile('^[A-Za-z0-9_-]{86}\\Z'),
    '^[^\\u0000-\\u001f\\u007f]*$': re.compile('^[^\\u0000-\\u001f\\u007f]*\\Z'),
    '^[A-Za-z0-9_-]{43}$': re.compile('^[A-Za-z0-9_-]{43}\\Z'),
    '^([a-z][a-z0-9_.]{1,29}|\\+[1-9][0-9]{7,14})$': re.compile('^([a-z][a-z0-9_.]{1,29}|\\+[1-9][0-9]{7,14})\\Z')
}

NoneType = type(None)

def validate(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['handle', 'auth_key', 'name', 'time', 'signature', 'verification']) - data.keys()
        if data__missing_keys:
            raise Mismatch("" + (name_prefix or "data") + "", 'required')
        data_keys = set(data.keys())
        if "handle" in data_keys:
            data_keys.remove("handle")
            data__handle = data["handle"]
            validate___definitions_handle(data__handle, custom_formats, (name_prefix or "data") + ".handle")
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
        if "verification" in data_keys:
            data_keys.remove("verification")
            data__verification = data["verification"]
            if not isinstance(data__verification, (dict)):
                raise Mismatch("" + (name_prefix or "data") + ".verification", 'type')
            data__verification_is_dict = isinstance(data__verification, dict)
            if data__verification_is_dict:
                data__verification__missing_keys = set(['method']) - data__verification.keys()
                if data__verification__missing_keys:
                    raise Mismatch("" + (name_prefix or "data") + ".verification", 'required')
                data__verification_keys = set(data__verification.keys())
                if "method" in data__verification_keys:
                    data__verification_keys.remove("method")
                    data__verification__method = data__verification["method"]
                    if not (isinstance(data__verification__method, str) and data__verification__method == 'open' or isinstance(data__verification__method, str) and data__verification__method == 'oidc' or isinstance(data__verification__method, str) and data__verification__method == 'otp'):
                        raise Mismatch("" + (name_prefix or "data") + ".verification.method", 'enum')
                if "token" in data__verification_keys:
                    data__verification_keys.remove("token")
                    data__verification__token = data__verification["token"]
                    if not isinstance(data__verification__token, (str)):
                        raise Mismatch("" + (name_prefix or "data") + ".verification.token", 'type')
                    if isinstance(data__verification__token, str):
                        data__verification__token_len = len(data__verification__token)
                        if data__verification__token_len > 8192:
                            raise Mismatch("" + (name_prefix or "data") + ".verification.token", 'maxLength')
                if "code" in data__verification_keys:
                    data__verification_keys.remove("code")
                    data__verification__code = data__verification["code"]
                    if not isinstance(data__verification__code, (str)):
                        raise Mismatch("" + (name_prefix or "data") + ".verification.code", 'type')
                    if isinstance(data__verification__code, str):
                        if not REGEX_PATTERNS['^[0-9]{6}$'].search(data__verification__code):
                            raise Mismatch("" + (name_prefix or "data") + ".verification.code", 'pattern')
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

def validate___definitions_handle(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^([a-z][a-z0-9_.]{1,29}|\\+[1-9][0-9]{7,14})$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

FIELDS = frozenset((
    'auth_key',
    'code',
    'handle',
    'method',
    'name',
    'signature',
    'time',
    'token',
    'verification',
))
