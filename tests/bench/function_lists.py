"""Function lists of as many systems as wanted, the same for the same seed: a field's things x what is done with them.

Words are pairs of common characters, so that they share characters as Chinese words do. One system in ten does the
same as an earlier one in other words; all have users to manage.
"""

from __future__ import annotations

import random

_CHARACTERS = (
    "公路水库渔船林木耕地学籍医保低残疾养老户口车辆驾驶食品药旅游文物企业个体税款预算采购工程招标房产土矿山环境排污气象"
    "消防信访档案会议党员干部职称社就业许可证照名册合同项目资金补助贴台账投诉检查巡隐患设备人机构指计划报表通知告年收费处"
    "罚培训考试存队站点线样准方物预故录块管网断面航道苗圃床位教材宿舍食堂场馆农村城镇流动特种重小型民办危险益涉外"
)
_DOES = ("申请", "受理", "审核", "审批", "发放", "登记", "变更", "注销", "查询", "统计", "上报", "汇总", "预约", "缴费",
         "打印", "归档", "公示", "评价", "核查", "派单", "复核", "移交", "备案")  # fmt: skip
_OTHERWISE = {"申请": "网上申请", "查询": "信息查询", "统计": "统计分析", "上报": "数据上报", "登记": "登记录入"}


def lists(systems: int, *, seed: int = 1) -> dict[str, list[str]]:
    """Return the items of each system, five to thirteen."""
    chance = random.Random(seed)  # noqa: S311 - data to measure with, no secret
    words = ["".join(chance.sample(_CHARACTERS, 2)) for _ in range(2400)]
    fields, things = words[:400], words[400:]
    found: dict[str, list[str]] = {}
    for number in range(systems):
        if found and chance.random() < 0.1:
            items = [_reworded(item) for item in found[chance.choice(sorted(found))]]
        else:
            field, own = chance.choice(fields), chance.sample(things, 3)
            pairs = [(thing, does) for thing in own for does in _DOES]
            picked = chance.sample(pairs, chance.randrange(4, 13))
            items = [f"{field if chance.random() < 0.5 else ''}{thing}{does}" for thing, does in picked]
            items.append(chance.choice(("用户权限管理", "用户管理", "系统设置")))
        found[f"sys-{number:04}"] = items
    return found


def _reworded(item: str) -> str:
    return next((item.removesuffix(word) + other for word, other in _OTHERWISE.items() if item.endswith(word)), item)
