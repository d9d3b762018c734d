"""Random numbers from a buffer are as good as those that filled it."""

import os

from infra.entropy import Entropy


def test_nothing_is_given_out_twice() -> None:
    entropy = Entropy()
    taken = [entropy.take(12) for _ in range(2000)]
    assert len(set(taken)) == 2000
    assert {len(each) for each in taken} == {12}


def test_integers_stay_below_their_limit_and_reach_all_of_it() -> None:
    entropy = Entropy()
    for limit in (1, 2, 3, 29, 256, 257):
        drawn = {entropy.below(limit) for _ in range(limit * 40)}
        assert drawn == set(range(limit))
    assert 0 <= entropy.below(29**4) < 29**4


def test_a_forked_child_does_not_repeat_its_parent() -> None:
    entropy = Entropy()
    entropy.take(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, entropy.take(16))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 16) != entropy.take(16)
    os.close(reading)
    os.close(writing)
