from tests.sandboxes.rig import Sandbox
from tests.sandboxes.setting_up import set_up, plan


def test_a_folder_of_wheels_is_enough_without_a_network(gimp: Sandbox) -> None:
    assert plan(gimp)["kind"] == "plan"
    assert set_up(gimp)["kind"] == "done"
    assert gimp.remove_object() == "removed"
