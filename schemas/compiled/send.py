# Made by `make schema` from schemas/messages: change those. A test compares the two.
import re
from schemas.compiled import Mismatch


REGEX_PATTERNS = {
    '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:[1-9][0-9]{0,4}(/(delivered|read))?$': re.compile('^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:[1-9][0-9]{0,4}(/(delivered|read))?\\Z'),
    '^[A-Za-z0-9_-]{22}$': re.compile('^[A-Za-z0-9_-]{22}\\Z'),
    '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:[1-9][0-9]{0,4}$': re.compile('^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}:[1-9][0-9]{0,4}\\Z'),
    '^[1-9][0-9]{0,4}$': re.compile('^[1-9][0-9]{0,4}\\Z'),
    '^[A-Za-z0-9_-]+$': re.compile('^[A-Za-z0-9_-]+\\Z'),
    '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$': re.compile('^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\\Z'),
    '^[A-Za-z0-9._:-]{1,64}$': re.compile('^[A-Za-z0-9._:-]{1,64}\\Z')
}

NoneType = type(None)

def validate(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['action', 'ref', 'messages']) - data.keys()
        if data__missing_keys:
            raise Mismatch("" + (name_prefix or "data") + "", 'required')
        data_keys = set(data.keys())
        if "action" in data_keys:
            data_keys.remove("action")
            data__action = data["action"]
            if not (isinstance(data__action, str) and data__action == 'send'):
                raise Mismatch("" + (name_prefix or "data") + ".action", 'const')
        if "ref" in data_keys:
            data_keys.remove("ref")
            data__ref = data["ref"]
            validate___definitions_ref(data__ref, custom_formats, (name_prefix or "data") + ".ref")
        if "messages" in data_keys:
            data_keys.remove("messages")
            data__messages = data["messages"]
            if not isinstance(data__messages, (list, tuple)):
                raise Mismatch("" + (name_prefix or "data") + ".messages", 'type')
            data__messages_is_list = isinstance(data__messages, (list, tuple))
            if data__messages_is_list:
                data__messages_len = len(data__messages)
                if data__messages_len < 1:
                    raise Mismatch("" + (name_prefix or "data") + ".messages", 'minItems')
                if data__messages_len > 50:
                    raise Mismatch("" + (name_prefix or "data") + ".messages", 'maxItems')
                for data__messages_x, data__messages_item in enumerate(data__messages):
                    if not isinstance(data__messages_item, (dict)):
                        raise Mismatch("" + (name_prefix or "data") + ".messages[{data__messages_x}]".format(**locals()) + "", 'type')
                    data__messages_item_is_dict = isinstance(data__messages_item, dict)
                    if data__messages_item_is_dict:
                        data__messages_item__missing_keys = set(['id', 'to', 'devices']) - data__messages_item.keys()
                        if data__messages_item__missing_keys:
                            raise Mismatch("" + (name_prefix or "data") + ".messages[{data__messages_x}]".format(**locals()) + "", 'required')
                        data__messages_item_keys = set(data__messages_item.keys())
                        if "id" in data__messages_item_keys:
                            data__messages_item_keys.remove("id")
                            data__messages_item__id = data__messages_item["id"]
                            validate___definitions_message_id(data__messages_item__id, custom_formats, (name_prefix or "data") + ".messages[{data__messages_x}].id".format(**locals()))
                        if "to" in data__messages_item_keys:
                            data__messages_item_keys.remove("to")
                            data__messages_item__to = data__messages_item["to"]
                            validate___definitions_account(data__messages_item__to, custom_formats, (name_prefix or "data") + ".messages[{data__messages_x}].to".format(**locals()))
                        if "devices" in data__messages_item_keys:
                            data__messages_item_keys.remove("devices")
                            data__messages_item__devices = data__messages_item["devices"]
                            validate___definitions_ciphertexts(data__messages_item__devices, custom_formats, (name_prefix or "data") + ".messages[{data__messages_x}].devices".format(**locals()))
                        if "own" in data__messages_item_keys:
                            data__messages_item_keys.remove("own")
                            data__messages_item__own = data__messages_item["own"]
                            validate___definitions_ciphertexts(data__messages_item__own, custom_formats, (name_prefix or "data") + ".messages[{data__messages_x}].own".format(**locals()))
                        if "expires" in data__messages_item_keys:
                            data__messages_item_keys.remove("expires")
                            data__messages_item__expires = data__messages_item["expires"]
                            validate___definitions_expires(data__messages_item__expires, custom_formats, (name_prefix or "data") + ".messages[{data__messages_x}].expires".format(**locals()))
        if "ack" in data_keys:
            data_keys.remove("ack")
            data__ack = data["ack"]
            validate___definitions_ack(data__ack, custom_formats, (name_prefix or "data") + ".ack")
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

def validate___definitions_conversation(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[A-Za-z0-9_-]{22}$'].search(data):
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

def validate___definitions_expires(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if not (isinstance(data, str) and data == '1h' or isinstance(data, str) and data == '1d' or isinstance(data, str) and data == '7d' or isinstance(data, str) and data == '30d'):
        raise Mismatch("" + (name_prefix or "data") + "", 'enum')
    return data

def validate___definitions_ciphertexts(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (dict)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data_len = len(data)
        if data_len > 16:
            raise Mismatch("" + (name_prefix or "data") + "", 'maxProperties')
        data_keys = set(data.keys())
        for data_key in data_keys:
            if data_key not in []:
                data_value = data.get(data_key)
                validate___definitions_ciphertext(data_value, custom_formats, (name_prefix or "data") + ".{data_key}".format(**locals()))
        if data_len != 0:
            data_property_names = True
            for data_key in data:
                try:
                    if isinstance(data_key, str):
                        if not REGEX_PATTERNS['^[1-9][0-9]{0,4}$'].search(data_key):
                            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
                except Mismatch:
                    data_property_names = False
            if not data_property_names:
                raise Mismatch("" + (name_prefix or "data") + "", 'propertyNames')
    return data

def validate___definitions_ciphertext(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        data_len = len(data)
        if data_len < 1:
            raise Mismatch("" + (name_prefix or "data") + "", 'minLength')
        if not REGEX_PATTERNS['^[A-Za-z0-9_-]+$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_account(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'].search(data):
            raise Mismatch("" + (name_prefix or "data") + "", 'pattern')
    return data

def validate___definitions_message_id(data, custom_formats={}, name_prefix=None):
    if not isinstance(data, (str)):
        raise Mismatch("" + (name_prefix or "data") + "", 'type')
    if isinstance(data, str):
        if not REGEX_PATTERNS['^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'].search(data):
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
    'devices',
    'expires',
    'id',
    'messages',
    'own',
    'quiet',
    'read',
    'read_receipts',
    'ref',
    'to',
))
