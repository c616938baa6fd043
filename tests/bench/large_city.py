"""A description of any size, the same bytes for the same seed; written as people write one: a file per department."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

from egov.city.fields import uscc_check_character

DEPARTMENTS = 100
HEAD = "# yaml-language-server: $schema=../../schema/city.schema.json\n# Invented: a description to measure with.\n"
PROFILE = """city:
  id: large
  name_zh: 大市
  name_en: Large City
  region_code: "211400"
vrfs:
  - {id: public, name_zh: 公用网络区}
zones:
  - {id: data-centre, name_zh: 数据中心, name_en: Data centre}
  - {id: backup, name_zh: 同城备份, name_en: Same-city backup}
  - {id: lan, name_zh: 部门局域网, name_en: Department LAN}
administrators:
  - {id: ops, name: 运维值班, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB, sudo: true}
"""
ROLES = ("application", "database", "proxy", "monitoring", "backup-repository", "department")
FUNDING = ("government-investment", "built-with-enterprise", "bought-service", "government-maintained")


def write(folder: Path, hosts: int, systems: int, seed: int = 1) -> None:
    """Write a valid description of that many hosts and systems into a new folder."""
    chance = random.Random(seed)  # noqa: S311 - data to measure with, no secret
    for part in ("hosts", "systems"):
        (folder / part).mkdir(parents=True)
    networks = list(IPv4Network("10.0.0.0/8").subnets(new_prefix=22))
    city, prefixes = [HEAD, PROFILE, "sites:\n"], ["prefixes:\n"]
    departments = ["departments:\n"]
    for number in range(DEPARTMENTS):
        name = f"dept-{number:03}"
        city.append(f"  - {{id: site-{number:03}, name_zh: 办公楼{number}, name_en: Building {number}}}\n")
        prefixes.append(f"  - {{id: net-{number:03}, prefix: {networks[number]}, ")
        prefixes.append(f"vrf: public, zone: {chance.choice(('data-centre', 'backup', 'lan'))}, department: {name}}}\n")
        departments += _department(number)
        own_hosts = [f"host-{index:05}" for index in range(number, hosts, DEPARTMENTS)]
        own_systems = range(number, systems, DEPARTMENTS)
        text = "".join(_hosts(number, own_hosts, networks[number], chance))
        (folder / "hosts" / f"{name}.yml").write_text(f"{HEAD}hosts:\n{text}", encoding="utf-8")
        text = "".join(_system(name, index, own_hosts, chance) for index in own_systems)
        (folder / "systems" / f"{name}.yml").write_text(f"{HEAD}systems:\n{text}", encoding="utf-8")
    (folder / "city.yml").write_text("".join([*city, *prefixes, *departments]), encoding="utf-8")


def _department(number: int) -> Iterator[str]:
    digits = f"11211400{number:09}"
    yield f"  - id: dept-{number:03}\n    name_zh: 第{number}局\n    name_en: Bureau {number}\n"
    yield f"    credit_code: {json.dumps(digits + uscc_check_character(digits))}\n    level: city\n"
    yield f"    site: site-{number:03}\n    contact: {{office: 信息科, phone: 0429-000{number:04}}}\n"


def _hosts(number: int, names: list[str], network: IPv4Network, chance: random.Random) -> Iterator[str]:
    addresses = network.hosts()
    gateway = next(addresses)
    for name in names:
        zone = chance.choice(("data-centre", "backup", "lan"))
        yield f"  - id: {name}\n    department: dept-{number:03}\n    site: site-{number:03}\n    zone: {zone}\n"
        yield f"    os: debian-12\n    lab: true\n    roles: [{chance.choice(ROLES)}]\n    interfaces:\n"
        yield f"      - {{name: mgmt0, prefix: net-{number:03}, address: {next(addresses)}}}\n"
        yield f"      - {{name: eth0, prefix: net-{number:03}, address: {next(addresses)}, gateway: {gateway}}}\n"


def _system(department: str, index: int, hosts: list[str], chance: random.Random) -> str:
    year, month, day = chance.randint(2008, 2017), chance.randint(1, 12), chance.randint(1, 28)
    return f"""  - id: system-{index:05}
    department: {department}
    name_zh: 业务系统{index}
    function: 第{index}项业务的申报、审核和统计
    scope: {chance.choice(("section", "department", "departments", "city", "public"))}
    frequency: {chance.choice(("daily", "weekly", "monthly"))}
    approved_by: 市发展改革委
    approved_on: {year}-{month:02}-{day:02}
    funding: 市财政预算
    funding_kind: {chance.choice(FUNDING)}
    network: {chance.choice(("lan", "extranet", "internet"))}
    placement: {chance.choice(("department-room", "cloud", "moved-hardware"))}
    components:
      - {{name: web, host: {chance.choice(hosts)}, listens: [80/tcp, 443/tcp]}}
      - {{name: database, host: {chance.choice(hosts)}, listens: [5432/tcp]}}
    source: 2018年政务信息系统自查表
    declared_on: 2018-09-11
"""
