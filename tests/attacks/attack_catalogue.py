"""All tables as one."""

import attacks_encryption
import attacks_header
import attacks_signature
import attacks_wrapping
import attacks_xml
from attack_case import Case

CASES: tuple[Case, ...] = (*attacks_xml.CASES, *attacks_header.CASES, *attacks_wrapping.CASES, *attacks_signature.CASES, *attacks_encryption.CASES)
POLICIES_USED = tuple(dict.fromkeys(case.policy for case in CASES))
