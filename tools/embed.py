#!/usr/bin/env python3
"""embed.py [--gzip] NAME FOLDER OUTPUT [PATTERN …]: writes OUTPUT/NAME.{h,cpp,S} that hold the folder's files.

With --gzip each text file that gets smaller by it is there a second time, compressed, as `PATH.gz`.

The bytes come in by the assembler, which takes megabytes in no time; a file is written only when its text changes. The
assembler's text names the checksum of each file, so that a changed page is taken in again.
"""
import fnmatch
import gzip
import hashlib
import pathlib
import sys


def write_if_changed(path, text):
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


COMPRESSIBLE = {".html", ".js", ".css", ".json", ".svg", ".webmanifest", ".txt"}


def compressed_beside(files, folder, scratch):
    """(path in the program, file on the disk) of the compressed forms; the same input gives the same bytes."""
    for path in files:
        if path.suffix not in COMPRESSIBLE:
            continue
        plain = path.read_bytes()
        packed = gzip.compress(plain, 9, mtime=0)
        if len(packed) >= len(plain):
            continue
        target = scratch / hashlib.sha256(plain).hexdigest()
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(packed)
        yield path.relative_to(folder).as_posix() + ".gz", target


def main():
    arguments = sys.argv[1:]
    compress = arguments[0] == "--gzip"
    if compress:
        arguments = arguments[1:]
    name, folder, output = arguments[0], pathlib.Path(arguments[1]).resolve(), pathlib.Path(arguments[2]).resolve()
    patterns = arguments[3:] or ["*"]
    found = sorted(p for p in folder.rglob("*") if p.is_file() and any(fnmatch.fnmatch(str(p.relative_to(folder)), pattern) for pattern in patterns))
    files = [(path.relative_to(folder).as_posix(), path) for path in found]
    if compress:
        files += compressed_beside(found, folder, output / f"{name}.gz")

    assembler = ["    .section .rodata"]
    declarations, entries = [], []
    for index, (inside, path) in enumerate(files):
        symbol = f"consilium_embedded_{name}_{index}"
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        assembler += [f"    // {checksum}", f"    .global {symbol}", "    .balign 16", f"{symbol}:", f'    .incbin "{path}"', "    .byte 0"]
        declarations.append(f"extern const char {symbol}[];")
        entries.append(f'    {{"{inside}", {{{symbol}, {path.stat().st_size}}}}},')
    assembler.append('    .section .note.GNU-stack,"",@progbits')

    header = f"""// Made by tools/embed.py.
#pragma once

#include <span>

#include "base/embedded_file.h"

namespace consilium::embedded {{
std::span<const EmbeddedFile> {name}();
}}
"""
    newline = "\n"
    listed = f"const EmbeddedFile kFiles[] = {{\n{newline.join(entries)}\n}};" if entries else ""
    answer = "kFiles" if entries else "{}"
    source = f"""// Made by tools/embed.py.
#include "embedded/{name}.h"

extern "C" {{
{newline.join(declarations)}
}}

namespace consilium::embedded {{
namespace {{
{listed}
}}  // namespace

std::span<const EmbeddedFile> {name}() {{ return {answer}; }}
}}  // namespace consilium::embedded
"""
    write_if_changed(output / f"{name}.h", header)
    write_if_changed(output / f"{name}.cpp", source)
    write_if_changed(output / f"{name}.S", "\n".join(assembler) + "\n")


main()
