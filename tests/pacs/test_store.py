from __future__ import annotations

import errno
import io

import pydicom
import pytest
from pydicom import uid

from cephsure.errors import InputError
from cephsure.pacs import store as storing
from cephsure.pacs.store import FilmStore, Refusal, RefusedError, ResultObject, digest_of, name_of


@pytest.fixture
def receive(store, as_bytes):
    def take(film, instance_uid=None):
        content = as_bytes(film)
        syntax = str(film.file_meta.TransferSyntaxUID)
        meta = pydicom.dcmread(io.BytesIO(content)).file_meta
        data_set = content[144 + meta.FileMetaInformationGroupLength :]
        return store.receive(instance_uid or str(film.SOPInstanceUID), content, digest_of(syntax, data_set))

    return take


def test_a_film_is_on_the_disk_and_entered(store, receive, made_film, as_bytes):
    film = made_film()
    assert receive(film) is True
    stored = store.ledger.film(film.SOPInstanceUID)
    assert store.film_file(stored).read_bytes() == as_bytes(film)
    assert stored.name == name_of(film.SOPInstanceUID)
    assert "Muster" not in str(store.film_file(stored))


def test_the_same_again_is_no_new_film(store, receive, made_film):
    assert receive(made_film())
    assert receive(made_film()) is False
    implicit = made_film()
    implicit.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian
    assert receive(implicit) is False
    assert len(store.ledger.films()) == 1


def test_another_content_is_refused_and_overwrites_nothing(store, receive, made_film):
    receive(made_film())
    before = store.film_file(store.ledger.films()[0]).read_bytes()
    changed = made_film(PatientName="Other^One")
    implicit = made_film(PatientName="Other^One")
    implicit.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian
    for film in (changed, implicit):
        with pytest.raises(RefusedError) as refused:
            receive(film)
        assert refused.value.refusal is Refusal.OTHER_CONTENT
    assert store.film_file(store.ledger.films()[0]).read_bytes() == before


def test_a_film_that_says_another_uid_is_refused(receive, made_film):
    with pytest.raises(RefusedError) as refused:
        receive(made_film(), "2.25.77")
    assert refused.value.refusal is Refusal.OTHER_UID


def test_what_cannot_be_read_is_kept(store):
    assert store.receive("2.25.5", b"no film at all", "digest")
    assert store.receive("2.25.5", b"no film at all", "digest") is False
    with pytest.raises(RefusedError):
        store.receive("2.25.5", b"something else", "other")


def test_the_quota_holds(tmp_path):
    store = FilmStore.open(tmp_path / "small", quota_bytes=10)
    store.receive("1.1", b"12345678", "a")
    with pytest.raises(RefusedError) as refused:
        store.receive("1.2", b"123", "b")
    assert refused.value.refusal is Refusal.FULL
    store.receive("1.3", b"12", "c")
    store.ledger.close()


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, RefusedError), (errno.EIO, OSError)])
def test_a_full_disk_is_said(store, monkeypatch, number, kind):
    def fail(*_):
        raise OSError(number, "x")

    monkeypatch.setattr(storing, "store_file", fail)
    with pytest.raises(kind):
        store.receive("1.1", b"1", "a")
    assert store.ledger.films() == []


def test_a_film_that_was_stored_but_not_entered_comes_again(store):
    """Killed between the two: nobody was told that it is here."""
    (store.films / f"{name_of('1.1')}.dcm").write_bytes(b"cut")
    assert store.receive("1.1", b"whole", "a")
    assert store.film_file(store.ledger.films()[0]).read_bytes() == b"whole"


def test_results_are_kept_as_they_were_made(store):
    store.receive("1.1", b"1", "a")
    film = store.ledger.next_film()
    store.keep_results(film, [ResultObject("sr", "2.1", b"report")])
    (result,) = store.ledger.results()
    assert store.result_content(result) == b"report"
    file = store.results / result.file_name
    file.write_bytes(b"changed")
    with pytest.raises(InputError, match="was changed"):
        store.result_content(result)
    file.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        store.result_content(result)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be written"):
        FilmStore.open(tmp_path / "file" / "folder", quota_bytes=1)


def test_an_error_comment_has_64_characters_at_most():
    assert all(len(each.value) <= 64 and each.value.isascii() for each in Refusal)
