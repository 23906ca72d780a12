"""Nothing is paid for when the disk could not keep it."""

import os

import pytest

from bridge.store.journal import RESERVATION_FILE, DiskReservation
from bridge.store.private_files import StorageError


def test_a_job_that_the_disk_cannot_hold_is_refused_with_how_much_space_it_needs(tmp_path):
    with pytest.raises(StorageError, match=r"1000000000 MB.*nothing was sent"):
        DiskReservation(tmp_path, 10**15, 1)
    assert list(tmp_path.iterdir()) == []


def test_the_space_is_really_reserved_and_released_share_by_share(tmp_path):
    reservation = DiskReservation(tmp_path, 8 << 20, 2)
    assert os.stat(tmp_path / RESERVATION_FILE).st_blocks * 512 >= 8 << 20
    reservation.release_share()
    assert os.stat(tmp_path / RESERVATION_FILE).st_size == 4 << 20
    reservation.close()
    assert list(tmp_path.iterdir()) == []


def test_nobody_else_can_look_at_it(tmp_path):
    reservation = DiskReservation(tmp_path, 4096, 1)
    assert os.stat(tmp_path / RESERVATION_FILE).st_mode & 0o777 == 0o600
    reservation.close()
