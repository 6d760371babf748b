from adapterctl.training.learning.order import row_order


def test_the_order_is_the_one_it_has_always_been() -> None:
    # A golden: if this changes, no recorded version can be reproduced any more.
    assert row_order(10, seed=17, epoch=0) == [2, 5, 7, 3, 0, 8, 6, 1, 9, 4]
    assert row_order(10, seed=17, epoch=1) == [5, 7, 2, 0, 9, 4, 6, 8, 1, 3]


def test_every_row_is_learned_once_per_epoch() -> None:
    assert sorted(row_order(1000, seed=3, epoch=5)) == list(range(1000))


def test_seed_and_epoch_both_change_the_order() -> None:
    orders = {tuple(row_order(50, seed=s, epoch=e)) for s in range(5) for e in range(5)}
    assert len(orders) == 25


def test_a_row_keeps_its_place_among_the_others_when_rows_are_added() -> None:
    longer = [row for row in row_order(60, seed=1, epoch=2) if row < 40]
    assert longer == row_order(40, seed=1, epoch=2)
