package rollup

import (
	"archive/zip"
	"go/build"
	"hash/fnv"
	"io"
	"path/filepath"
	"testing"
	"time"
)

// trickyZones change at midnight, by half an hour, across the date line, twice
// in Ramadan, or have offsets of quarters of an hour.
var trickyZones = []string{
	"UTC", "America/New_York", "America/Sao_Paulo", "America/Havana", "America/St_Johns",
	"America/Asuncion", "America/Santiago", "America/Caracas", "America/Scoresbysund",
	"America/Nuuk", "America/Godthab", "America/Argentina/San_Luis", "America/Port-au-Prince",
	"America/Campo_Grande", "America/Toronto", "America/Metlakatla", "America/Bahia_Banderas",
	"Africa/Casablanca", "Africa/Cairo", "Africa/El_Aaiun", "Africa/Juba", "Africa/Khartoum",
	"Africa/Sao_Tome", "Africa/Windhoek", "Antarctica/Troll", "Antarctica/Casey", "Antarctica/Davis",
	"Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Asia/Kabul", "Asia/Yangon", "Asia/Amman",
	"Asia/Beirut", "Asia/Damascus", "Asia/Gaza", "Asia/Hebron", "Asia/Jerusalem", "Asia/Baku",
	"Asia/Dhaka", "Asia/Pyongyang", "Asia/Colombo", "Asia/Dili", "Asia/Vladivostok", "Asia/Shanghai",
	"Atlantic/Azores", "Atlantic/Stanley", "Australia/Lord_Howe", "Australia/Adelaide",
	"Australia/Eucla", "Australia/Darwin", "Europe/London", "Europe/Dublin", "Europe/Volgograd",
	"Europe/Istanbul", "Europe/Moscow", "Pacific/Apia", "Pacific/Fakaofo", "Pacific/Chatham",
	"Pacific/Marquesas", "Pacific/Norfolk", "Pacific/Tongatapu", "Pacific/Easter", "Pacific/Fiji",
	"Pacific/Kiritimati", "Pacific/Bougainville",
}

// allZones returns every zone of the Go distribution, each set of equal ones
// once, or the tricky ones in short mode and where the distribution is not at
// hand.
func allZones(t *testing.T) map[string]*time.Location {
	zones := map[string]*time.Location{}
	for _, name := range trickyZones {
		zones[name] = mustZone(t, name)
	}
	if testing.Short() {
		return zones
	}
	r, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Logf("only %d zones: %v", len(zones), err)
		return zones
	}
	defer r.Close()
	seen := map[uint64]bool{}
	for _, f := range r.File {
		if f.FileInfo().IsDir() {
			continue
		}
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(rc)
		rc.Close()
		if err != nil {
			t.Fatal(err)
		}
		h := fnv.New64a()
		h.Write(data)
		if seen[h.Sum64()] {
			continue
		}
		seen[h.Sum64()] = true
		if zones[f.Name], err = time.LoadLocationFromTZData(f.Name, data); err != nil {
			t.Fatal(err)
		}
	}
	return zones
}

// dayNumber is the local date at an instant, as days since the epoch.
func dayNumber(us int64, loc *time.Location) int64 {
	return floorDiv(us/1e6+int64(offsetAt(us, loc)), 86400)
}

func offsetAt(us int64, loc *time.Location) int {
	_, o := time.UnixMicro(us).In(loc).Zone()
	return o
}

// Every bar of a day begins at the first instant that has its date, in every
// zone from 2000 to 2037, and no date is left out that existed.
func TestDaysOfAllZones(t *testing.T) {
	first := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	last := time.Date(2037, 12, 31, 0, 0, 0, 0, time.UTC).UnixMicro()
	odd, skipped := 0, 0
	for name, loc := range allZones(t) {
		bounds, err := Boundaries(Day, loc, first, last, 20_000)
		if err != nil {
			t.Fatal(name, err)
		}
		offset := offsetAt(bounds[0], loc)
		for i, b := range bounds[1:] {
			before := offset
			offset = offsetAt(b, loc)
			if offset == before && b-bounds[i] == Day.us {
				// No change of the clock: midnight it must be.
				if (b/1e6+int64(offset))%86400 != 0 {
					t.Fatalf("%s: day %v does not begin at midnight", name, time.UnixMicro(b).In(loc))
				}
				continue
			}
			prev, date := dayNumber(bounds[i], loc), dayNumber(b, loc)
			odd++
			if date <= prev || bounds[i] >= b {
				t.Fatalf("%s: %v does not follow %v", name, time.UnixMicro(b).In(loc), time.UnixMicro(bounds[i]).In(loc))
			}
			skipped += int(date - prev - 1)
			// From the day before, at the end by the minute: b must be the
			// first instant on a later date than prev.
			for us := bounds[i]; us < b; us += 60e6 {
				if us < b-Hour.us-20*60e6 {
					us += 14 * 60e6
				}
				if dayNumber(us, loc) > prev {
					t.Fatalf("%s: day %v begins at %v already", name, time.UnixMicro(b).In(loc), time.UnixMicro(us).In(loc))
				}
			}
			if dayNumber(b-1, loc) > prev {
				t.Fatalf("%s: %v is too late", name, time.UnixMicro(b).In(loc))
			}
		}
	}
	if odd < 500 || skipped < 1 {
		t.Fatalf("looked closely at %d days and saw %d skipped dates: the test has lost its teeth", odd, skipped)
	}
	t.Logf("%d days looked at closely, %d dates did not exist", odd, skipped)
}

// ZoneBounds of the standard library ends before it begins on the last day of
// a leap year in zones with summer time; at must go forward all the same.
func TestZoneGoesForward(t *testing.T) {
	for name, loc := range allZones(t) {
		z := zone{loc}
		steps := 0
		for us := time.Date(1999, 1, 1, 0, 0, 0, 1000, time.UTC).UnixMicro(); us < time.Date(2041, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(); steps++ {
			offset, until := z.at(us)
			if until <= us || offset != int64(offsetAt(us, loc))*1e6 {
				t.Fatalf("%s: from %d to %d", name, us, until)
			}
			if last := min(until, lastUS) - 1; int64(offsetAt(last, loc))*1e6 != offset {
				t.Fatalf("%s: offset changes between %d and %d", name, us, until)
			}
			us = until
		}
		if steps > 5000 {
			t.Fatalf("%s: %d steps", name, steps)
		}
	}
}
