import Testing

@testable import TernDeidentification

struct DateShiftTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    @Test func movesOverMonthsYearsAndLeapDays() {
        let day = DateShift(days: 1)
        for (date, before) in [
            ("20200301", "20200229"), ("20210301", "20210228"), ("20000301", "20000229"), ("19000301", "19000228"), ("20200101", "20191231"),
        ] { #expect(text(day.date(bytes(date))) == before) }
        #expect(text(DateShift(days: 146_097).date(bytes("20240229"))) == "16240229")
        #expect(text(DateShift(days: 3_652).date(bytes("20231231"))) == "20131231")
    }

    @Test func keepsEveryIntervalOverFourCenturies() {
        let shift = DateShift(days: 1_000)
        var seen: Set<String> = []
        for year in 1_800..<2_200 {
            guard let moved = text(shift.date(bytes("\(year)0615"))) else { return #expect(Bool(false), "\(year)") }
            seen.insert(moved)
            #expect(text(DateShift(days: 0).date(bytes(moved))) == moved)
        }
        #expect(seen.count == 400)
    }

    @Test func readsOldAndSeveralDates() {
        let day = DateShift(days: 1)
        #expect(text(day.date(bytes("2020.03.01"))) == "20200229")
        #expect(text(day.date(bytes("20200301\\20200302 "))) == "20200229\\20200301")
        for wrong in ["2020", "20201301", "20200230", "x0200101", "00000101", "20200301-20200302"] { #expect(day.date(bytes(wrong)) == nil) }
    }

    @Test func keepsTimesAndZones() {
        let day = DateShift(days: 1)
        #expect(text(day.dateTime(bytes("20200301235959.123456+0530"))) == "20200229235959.123456+0530")
        #expect(text(day.dateTime(bytes("20200301"))) == "20200229")
        for wrong in ["2020", "202003", "20200301 DOE", "20200301250000", "20200301120000.1234567", "20200301+99999"] {
            #expect(day.dateTime(bytes(wrong)) == nil)
        }
        #expect(text(day.time(bytes("120000.5\\1230"))) == "120000.5\\1230")
        for wrong in ["DOE", "1", "12:xx", "240000", "120000."] { #expect(day.time(bytes(wrong)) == nil) }
    }
}
