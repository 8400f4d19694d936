/// Moves dates by whole days, so that times of day and every interval stay.
struct DateShift: Sendable {
    /// Days to go back.
    var days: Int

    /// DA: eight digits, or those of ACR-NEMA with full stops; several values are parted by backslashes. Nil when one of them is no date.
    func date(_ value: [UInt8]) -> [UInt8]? { each(value) { shifted($0.filter { $0 != 0x2E }, digits: 8) } }

    /// DT: a date, then what there is of a time and a zone. Nil when the day is not given, since years and months cannot move by days.
    func dateTime(_ value: [UInt8]) -> [UInt8]? {
        each(value) { text in
            guard text.count >= 8, isTime(Array(text.dropFirst(8)), allowsZone: true), let day = shifted(Array(text.prefix(8)), digits: 8) else { return nil }
            return day + text.dropFirst(8)
        }
    }

    /// TM as it is; nil when it is no time.
    func time(_ value: [UInt8]) -> [UInt8]? { each(value) { isTime($0.filter { $0 != 0x3A }, allowsZone: false) ? $0 : nil } }

    private func each(_ value: [UInt8], _ change: ([UInt8]) -> [UInt8]?) -> [UInt8]? {
        var result: [UInt8] = []
        for (index, part) in value.split(separator: 0x5C, omittingEmptySubsequences: false).enumerated() {
            if index > 0 { result.append(0x5C) }
            let text = trimmed(Array(part))
            guard !text.isEmpty else { continue }
            guard let changed = change(text) else { return nil }
            result += changed
        }
        return result
    }

    private func shifted(_ text: [UInt8], digits: Int) -> [UInt8]? {
        guard text.count == digits, let number = decimal(text) else { return nil }
        let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100)
        guard year > 0, (1...12).contains(month), (1...daysIn(month, of: year)).contains(day) else { return nil }
        let moved = civil(dayNumber(year, month, day) - days)
        guard moved.year > 0 else { return nil }
        return pad(moved.year, 4) + pad(moved.month, 2) + pad(moved.day, 2)
    }

    /// HHMMSS.FFFFFF cut off anywhere between its parts, and perhaps a zone.
    private func isTime(_ text: [UInt8], allowsZone: Bool) -> Bool {
        var time = text[...]
        if let sign = time.firstIndex(where: { $0 == 0x2B || $0 == 0x2D }) {
            let zone = Array(time[(sign + 1)...])
            guard allowsZone, zone.count == 4, let number = decimal(zone), number <= 1_400, number % 100 < 60 else { return false }
            time = time[..<sign]
        }
        let parts = time.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard let whole = parts.first, parts.count <= 2, whole.count <= 6, whole.count % 2 == 0 else { return false }
        if parts.count == 2 { guard whole.count == 6, (1...6).contains(parts[1].count), decimal(Array(parts[1])) != nil else { return false } }
        guard !whole.isEmpty else { return allowsZone }
        for (index, limit) in zip(stride(from: 0, to: whole.count, by: 2), [23, 59, 60]) {
            let pair = whole.dropFirst(index).prefix(2)
            guard let number = decimal(Array(pair)), number <= limit else { return false }
        }
        return true
    }

    // MARK: The proleptic Gregorian calendar

    private func daysIn(_ month: Int, of year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Days since 1 March of the year 0: the leap day is the last of its year.
    private func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shiftedYear = month > 2 ? year : year - 1
        let shiftedMonth = (month + 9) % 12
        return 365 * shiftedYear + shiftedYear / 4 - shiftedYear / 100 + shiftedYear / 400 + (153 * shiftedMonth + 2) / 5 + day - 1
    }

    private func civil(_ number: Int) -> (year: Int, month: Int, day: Int) {
        guard number >= 306 else { return (0, 0, 0) }
        let era = number / 146_097, dayOfEra = number % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        return (era * 400 + yearOfEra + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, dayOfYear - (153 * month + 2) / 5 + 1)
    }
}

/// The number of one or more digits, at most nine; nil for anything else.
func decimal(_ text: [UInt8]) -> Int? {
    guard (1...9).contains(text.count) else { return nil }
    var number = 0
    for digit in text {
        guard (0x30...0x39).contains(digit) else { return nil }
        number = number * 10 + Int(digit - 0x30)
    }
    return number
}

private func pad(_ number: Int, _ width: Int) -> [UInt8] {
    let digits = Array(String(number).utf8)
    return [UInt8](repeating: 0x30, count: max(width - digits.count, 0)) + digits
}

/// Without leading spaces, and without trailing spaces and zero bytes.
func trimmed(_ value: [UInt8]) -> [UInt8] {
    var text = value[...]
    while let last = text.last, last == 0x20 || last == 0 { text.removeLast() }
    while text.first == 0x20 { text.removeFirst() }
    return Array(text)
}
