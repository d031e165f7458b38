# Made by `make schema` from schemas/messages: change those. A test compares the two.
import re
from schemas.compiled import Mismatch


REGEX_PATTERNS = {
    '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:[1-9][0-9]{0,4}(/(delivered|read))?$': re.compile('^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:[1-9][0-9]{0,4}(/(delivered|read))?\\Z'),
    '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$': re.compile('^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\\Z'),
    '^[A-Za-z0-9_-]{22}$': re.compile('^[A-Za-z0-9_-]{22}\\Z'),
    '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:[1-9][0-9]{0,4}$': re.compile('^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:[1-9][0-9]{0,4}\\Z'),
    '^[A-Za-z0-9_-]+$': re.compile('^[A-Za-z0-9_-]+\\Z'),
    '^[A-Za-z0-9._:-]{1,64}$': re.compile('^[A-Za-z0-9._:-]{1,64}\\Z')
}

NoneType = type(None)

def validate(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['action', 'ref']) - data.keys()
        if data__missing_keys:
            raise Mismatch("" + (name_prefix or "data") + "", 'required')
        data_keys = set(data.keys())
        if "action" in data_keys:
            data_keys.remove("action")
            data__action = data["action"]
            if not (isinstance(data__action, str) and data__action == 'sync'):
                raise Mismatch("" + (name_prefix or "data") + ".action", 'const')
        if "ref" in data_keys:
            data_keys.remove("ref")
            data__ref = data["ref"]
            validate___definitions_ref(data__ref, custom_formats, (name_prefix or "data") + ".ref")
        if "token" in data_keys:
            data_keys.remove("token")
            data__token = data["token"]
            validate___definitions_token(data__token, custom_formats, (name_prefix or "data") + ".token")
        if "mark" in data_keys:
            data_keys.remove("mark")
            data__mark = data["mark"]
            validate___definitions_ms(data__mark, custom_formats, (name_prefix or "data") + ".mark")
        if "have" in data_keys:
            data_keys.remove("have")
            data__have = data["have"]
            if not isinstance(data__have, (list, tuple)):
                raise Mismatch("" + (name_prefix or "data") + ".have", 'type')
            data__have_is_list = isinstance(data__have, (list, tuple))
            if data__have_is_list:
                data__have_len = len(data__have)
                if data__have_len > 256:
                    raise Mismatch("" + (name_prefix or "data") + ".have", 'maxItems')
                for data__have_x, data__have_item in enumerate(data__have):
                    validate___definitions_message_name(data__have_item, custom_formats, (name_prefix or "data") + ".have[{data__have_x}]".format(**locals()))
        if "unreceipted" in data_keys:
            data_keys.remove("unreceipted")
            data__unreceipted = data["unreceipted"]
            if not isinstance(data__unreceipted, (dict)):
                raise Mismatch("" + (name_prefix or "data") + ".unreceipted", 'type')
            data__unreceipted_is_dict = isinstance(data__unreceipted, dict)
            if data__unreceipted_is_dict:
                data__unreceipted_len = len(data__unreceipted)
                if data__unreceipted_len > 10:
                    raise Mismatch("" + (name_prefix or "data") + ".unreceipted", 'maxProperties')
                data__unreceipted_keys = set(data__unreceipted.keys())
                for data__unreceipted_key in data__unreceipted_keys:
                    if data__unreceipted_key not in []:
                        data__unreceipted_value = data__unreceipted.get(data__unreceipted_key)
                        if not isinstance(data__unreceipted_value, (list, tuple)):
                            raise Mismatch("" + (name_prefix or "data") + ".unreceipted.{data__unreceipted_key}".format(**locals()) + "", 'type')
                        data__unreceipted_value_is_list = isinstance(data__unreceipted_value, (list, tuple))
                        if data__unreceipted_value_is_list:
                            data__unreceipted_value_len = len(data__unreceipted_value)
                            if data__unreceipted_value_len < 1:
                                raise Mismatch("" + (name_prefix or "data") + ".unreceipted.{data__unreceipted_key}".format(**locals()) + "", 'minItems')
                            if data__unreceipted_value_len > 20:
                                raise Mismatch("" + (name_prefix or "data") + ".unreceipted.{data__unreceipted_key}".format(**locals()) + "", 'maxItems')
                            for data__unreceipted_value_x, data__unreceipted_value_item in enumerate(data__unreceipted_value):
                                validate___definitions_message_name(data__unreceipted_value_item, custom_formats, (name_prefix or "data") + ".unreceipted.{data__unreceipted_key}[{data__unreceipted_value_x}]".format(**locals()))
                if data__unreceipted_len != 0:
                    data__unreceipted_property_names = True
                    for data__unreceipted_key in data__unreceipted:
                        try:
                            validate___definitions_account(data__unreceipted_key, custom_formats, (name_prefix or "data") + ".unreceipted")
                        except Mismatch:
                            data__unreceipted_property_names = False
                    if not data__unreceipted_property_names:
                        raise Mismatch("" + (name_prefix or "data") + ".unreceipted", 'propertyNames')
        if "ack" in data_keys:
            data_keys.remove("ack")
            data__ack = data["ack"]
            validate___definitions_ack(data__ack, custom_formats, (name_prefix or "data") + ".ack")
        if "keys" in data_keys:
            data_keys.remove("keys")
            data__keys = data["keys"]
            if not isinstance(data__keys, (bool)):
                raise Mismatch("" + (name_prefix or "data") + ".keys", 'type')
    return data

def validate___definitions_ack(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data_keys = set(data.keys())
        if "delivered" in data_keys:
            data_keys.remove("delivered")
            data__delivered = data["delivered"]
            if not isinstance(data__delivered, (list, tuple)):
                raise Mismatch("" + (name_prefix or "data") + ".delivered", 'type')
            data__delivered_is_list = isinstance(data__delivered, (list, tuple))
            if data__delivered_is_list:
                data__delivered_len = len(data__delivered)
                if data__delivered_len > 256:
                    raise Mismatch("" + (name_prefix or "data") + ".delivered", 'maxItems')
                for data__delivered_x, data__delivered_item in enumerate(data__delivered):
                    validate___definitions_message_name(data__delivered_item, custom_formats, (name_prefix or "data") + ".delivered[{data__delivered_x}]".format(**locals()))
        if "read" in data_keys:
            data_keys.remove("read")
            data__read = data["read"]
            if not isinstance(data__read, (dict)):
                raise Mismatch("" + (name_prefix or "data") + ".read", 'type')
            data__read_is_dict = isinstance(data__read, dict)
            if data__read_is_dict:
                data__read_len = len(data__read)
                if data__read_len > 64:
                    raise Mismatch("" + (name_prefix or "data") + ".read", 'maxProperties')
                data__read_keys = set(data__read.keys())
                for data__read_key in data__read_keys:
                    if data__read_key not in []:
                        data__read_value = data__read.get(data__read_key)
                        if not isinstance(data__read_value, (list, tuple)):
                            raise Mismatch("" + (name_prefix or "data") + ".read.{data__read_key}".format(**locals()) + "", 'type')
                        data__read_value_is_list = isinstance(data__read_value, (list, tuple))
                        if data__read_value_is_list:
                            data__read_value_len = len(data__read_value)
                            if data__read_value_len > 256:
                                raise Mismatch("" + (name_prefix or "data") + ".read.{data__read_key}".format(**locals()) + "", 'maxItems')
                            for data__read_value_x, data__read_value_item in enumerate(data__read_value):
                                validate___definitions_message_name(data__read_value_item, custom_formats, (name_prefix or "data") + ".read.{data__read_key}[{data__read_value_x}]".format(**locals()))
                if data__read_len != 0:
                    data__read_property_names = True
                    for data__read_key in data__read:
                        try:
                            validate___definitions_conversation(data__read_key, custom_formats, (name_prefix or "data") + ".read")
                        except Mismatch:
                            data__read_property_names = False
                    if not data__read_property_names:
                        raise Mismatch("" + (name_prefix or "data") + ".read", 'propertyNames')
        if "read_receipts" in data_keys:
            data_keys.remove("read_receipts")
            data__readreceipts = data["read_receipts"]
            if not isinstance(data__readreceipts, (dict)):
                raise Mismatch("" + (name_prefix or "data") + ".read_receipts", 'type')
            data__readreceipts_is_dict = isinstance(data__readreceipts, dict)
            if data__readreceipts_is_dict:
                data__readreceipts_len = len(data__readreceipts)
                if data__readreceipts_len > 64:
                    raise Mismatch("" + (name_prefix or "data") + ".read_receipts", 'maxProperties')
                data__readreceipts_keys = set(data__readreceipts.keys())
                for data__readreceipts_key in data__readreceipts_keys:
                    if data__readreceipts_key not in []:
                        data__readreceipts_value = data__readreceipts.get(data__readreceipts_key)
                        if not isinstance(data__readreceipts_value, (list, tuple)):
                            raise Mismatch("" + (name_prefix or "data") + ".read_receipts.{data__readreceipts_key}".format(**locals()) + "", 'type')
                        data__readreceipts_value_is_list = isinstance(data__readreceipts_value, (list, tuple))
                        if data__readreceipts_value_is_list:
                            data__readreceipts_value_len = len(data__readreceipts_value)
                            if data__readreceipts_value_len > 256:
                                raise Mismatch("" + (name_prefix or "data") + ".read_receipts.{data__readreceipts_key}".format(**locals()) + "", 'maxItems')
                            for data__readreceipts_value_x, data__readreceipts_value_item in enumerate(data__readreceipts_value):
                                validate___definitions_message_name(data__readreceipts_value_item, custom_formats, (name_prefix or "data") + ".read_receipts.{data__readreceipts_key}[{data__readreceipts_value_x}]".format(**locals()))
                if data__readreceipts_len != 0:
                    data__readreceipts_property_names = True
                    for data__readreceipts_key in data__readreceipts:
                        try:
                            validate___definitions_conversation(data__readreceipts_key, custom_formats, (name_prefix or "data") + ".read_receipts")
                        except Mismatch:
                            data__readreceipts_property_names = False
                    if not data__readreceipts_property_names:
                        raise Mismatch("" + (name_prefix or "data") + ".read_receipts", 'propertyNames')
        if "quiet" in data_keys:
            data_keys.remove("quiet")
            data__quiet = data["quiet"]
            if not isinstance(data__quiet, (list, tuple)):
                raise Mismatch("" + (name_prefix or "data") + ".quiet", 'type')
            data__quiet_is_list = isinstance(data__quiet, (list, tuple))
            if data__quiet_is_list:
                data__quiet_len = len(data__quiet)
                if data__quiet_len > 256:
                    raise Mismatch("" + (name_prefix or "data") + ".quiet", 'maxItems')
                for data__quiet_x, data__quiet_item in enumerate(data__quiet):
                    validate___definitions_row_name(data__quiet_item, custom_formats, (name_prefix or "data") + ".quiet[{data__quiet_x}]".format(**locals()))
    return data

def validate___definitions_row_name(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (list, tuple)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_list = isinstance(data, (list, tuple))
    if data_is_list:
        data_len = len(data)
        if data_len < 2:
            raise Mismatch("" + (name_prefix or "data") + "", 'minItems')
        if data_len > 2:
            raise Mismatch("" + (name_prefix or "data") + "", 'maxItems')
        if data_len > 0:
            data__0 = data[0]
            validate___definitions_message_id(data__0, custom_formats, (name_prefix or "data") + "[0]")
        if data_len > 1:
            data__1 = data[1]
            validate___definitions_row_sender(data__1, custom_formats, (name_prefix or "data") + "[1]")
        if data_len > 2:
            raise Mismatch("" + (name_prefix or "data") + "", 'items')
    return data

def validate___definitions_row_sender(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:[1-9][0-9]{0,4}(/(delivered|read))?$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_message_id(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_conversation(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[A-Za-z0-9_-]{22}$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_account(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_message_name(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (list, tuple)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_list = isinstance(data, (list, tuple))
    if data_is_list:
        data_len = len(data)
        if data_len < 2:
            raise Mismatch("" + (name_prefix or "data") + "", 'minItems')
        if data_len > 2:
            raise Mismatch("" + (name_prefix or "data") + "", 'maxItems')
        if data_len > 0:
            data__0 = data[0]
            validate___definitions_message_id(data__0, custom_formats, (name_prefix or "data") + "[0]")
        if data_len > 1:
            data__1 = data[1]
            validate___definitions_address(data__1, custom_formats, (name_prefix or "data") + "[1]")
        if data_len > 2:
            raise Mismatch("" + (name_prefix or "data") + "", 'items')
    return data

def validate___definitions_address(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:[1-9][0-9]{0,4}$'].search(data):
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

def validate___definitions_token(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        data_len = len(data)
        if data_len < 1:
            raise Mismatch("" + (name_prefix or "data") + "", 'minLength')
        if data_len > 512:
            raise Mismatch("" + (name_prefix or "data") + "", 'maxLength')
        if not REGEX_PATTERNS['^[A-Za-z0-9_-]+$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_ref(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[A-Za-z0-9._:-]{1,64}$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

FIELDS = frozenset((
    'ack',
    'action',
    'delivered',
    'have',
    'keys',
    'mark',
    'quiet',
    'read',
    'read_receipts',
    'ref',
    'token',
    'unreceipted',
))
