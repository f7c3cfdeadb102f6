#!/bin/sh
# Takes the time zones alone out of ICU's data (30 MB with all languages) and writes them as an assembler file.
# Usage: icu_zones.sh ARCHIVE FOLDER; makes FOLDER/icu_zones.S.
set -eu
archive=$1
folder=$2
PATH=$PATH:/usr/sbin
rm -rf "$folder"
mkdir -p "$folder/zones"
cd "$folder"
member=$(ar t "$archive")  # icudt72l_dat.o
ar x "$archive" "$member"
data=${member%_dat.o}
objcopy -O binary -j .rodata "$member" "$data.dat"
icupkg -l "$data.dat" | grep -v -x -e zoneinfo64.res -e timezoneTypes.res -e keyTypeData.res > others.txt
icupkg -r others.txt "$data.dat" "zones/$data.dat"
cat > icu_zones.S <<END
        .section .rodata
        .globl ${data%l}_dat
        .balign 16
${data%l}_dat:
        .incbin "$folder/zones/$data.dat"
        .section .note.GNU-stack,"",@progbits
END
rm -f "$member" "$data.dat"
