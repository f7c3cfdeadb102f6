#!/usr/bin/env python3
"""embed.py NAME FOLDER OUTPUT [PATTERN …]: writes OUTPUT/NAME.{h,cpp,S} that hold the folder's files.

The bytes come in by the assembler, which takes megabytes in no time; a file is written only when its text changes. The
assembler's text names the checksum of each file, so that a changed page is taken in again.
"""
import fnmatch
import hashlib
import pathlib
import sys


def write_if_changed(path, text):
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def main():
    name, folder, output = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3])
    patterns = sys.argv[4:] or ["*"]
    files = sorted(p for p in folder.rglob("*") if p.is_file() and any(fnmatch.fnmatch(str(p.relative_to(folder)), pattern) for pattern in patterns))

    assembler = ["    .section .rodata"]
    declarations, entries = [], []
    for index, path in enumerate(files):
        symbol = f"consilium_embedded_{name}_{index}"
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        assembler += [f"    // {checksum}", f"    .global {symbol}", "    .balign 16", f"{symbol}:", f'    .incbin "{path}"', "    .byte 0"]
        declarations.append(f"extern const char {symbol}[];")
        entries.append(f'    {{"{path.relative_to(folder).as_posix()}", {{{symbol}, {path.stat().st_size}}}}},')
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
