"""A profile of a user's own, and the device it is for."""

PROFILE = """
version = "3"
manufacturer = "ACME"
match = [{ sys_object_id = "1.3.6.1.4.1.32473" }]
[[meter]]
name = "impressions.printed"
unit = "impressions"
oid = "1.3.6.1.4.1.32473.1.1.0"
[[meter]]
name = "impressions.copied"
unit = "impressions"
oid = "1.3.6.1.4.1.32473.1.2.0"
"""
ACME = """1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.32473.9
1.3.6.1.2.1.25.3.2.1.2.1|6|1.3.6.1.2.1.25.3.1.5
1.3.6.1.2.1.25.3.2.1.3.1|4|ACME Laser
1.3.6.1.2.1.43.5.1.1.17.1|4|AC00042
1.3.6.1.4.1.32473.1.1.0|65|471100
1.3.6.1.4.1.32473.1.7.0|65|815
1.3.6.1.4.1.32473.1.8.0|65|0
"""
