from pathlib import Path

import pytest

from adapterctl.errors import InvalidInput
from adapterctl.stores.pickles import pickle_digest
from support.adapter_folders import LFS_POINTER, some_pickle


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "adapter_model.bin"
    path.write_bytes(content)
    return path


def test_a_real_pickle_is_known_by_its_bytes(corpus: Path):
    path = corpus / "adapters" / "weights" / "pythia-70m-deduped-lora.adapter_model.bin"
    assert pickle_digest(path).startswith("4cf341ab7bc354992cbe96a212f518f52bcb12ed9a504050")


def test_a_pickle_is_not_opened(tmp_path: Path):
    """Unpickling these bytes would write a file."""
    bomb = b"\x80\x02cpathlib\nPath\nq\x00X\x05\x00\x00\x00boom!\x85R."
    assert len(pickle_digest(written(tmp_path, bomb))) == 64
    assert [path.name for path in tmp_path.iterdir()] == ["adapter_model.bin"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (LFS_POINTER, "a Git LFS pointer, not the weights\n  hint: git lfs pull"),
        (some_pickle()[:-40], "cut off\n  hint: fetch the file again"),
        (b"hello", "no file that torch.save has written\n  hint: fetch the file again"),
        (b"", "no file that torch.save has written\n  hint: fetch the file again"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path, content, what):
    path = written(tmp_path, content)
    with pytest.raises(InvalidInput) as raised:
        pickle_digest(path)
    assert str(raised.value) == f"{path}: {what}"
