internal import TernPlatform

/// Which results have been read, so that retention may remove them: all up to a number, and ranges behind it. What is not known to be read counts as
/// unread, also after a restart.
struct ReadResults: Equatable {
    /// Every result up to this one has been read.
    private(set) var through = 0
    /// Ascending, apart from each other and from `through`.
    private(set) var ranges: [Range] = []

    /// Results that have been read, from the first to the last.
    struct Range: Equatable {
        var first: Int
        var last: Int
    }

    /// What a mark in `findings/read` takes at most; ranges past it are forgotten, and their results unread again.
    static let limitRangeCount = 1024

    init() {}

    /// Somebody has every result up to this one.
    mutating func confirm(through last: Int) {
        guard last > through else { return }
        through = last
        ranges.removeAll { $0.last <= last }
        join()
    }

    /// Somebody has this one result.
    mutating func read(_ sequence: Int) {
        guard sequence > through else { return }
        var index = ranges.count
        while index > 0, ranges[index - 1].first > sequence { index -= 1 }
        if index > 0, ranges[index - 1].last + 1 >= sequence {
            ranges[index - 1].last = max(ranges[index - 1].last, sequence)
            index -= 1
        } else {
            ranges.insert(Range(first: sequence, last: sequence), at: index)
        }
        if index + 1 < ranges.count, ranges[index].last + 1 >= ranges[index + 1].first {
            ranges[index].last = max(ranges[index].last, ranges[index + 1].last)
            ranges.remove(at: index + 1)
        }
        join()
        if ranges.count > Self.limitRangeCount { ranges.removeLast() }
    }

    private mutating func join() {
        while let next = ranges.first, next.first <= through + 1 {
            through = max(through, next.last)
            ranges.removeFirst()
        }
    }
}

extension ReadResults {
    /// The file in `findings`.
    static let fileName = "read"

    /// The newest result that is said to be read.
    var newest: Int { ranges.last?.last ?? through }

    /// A line for each range, its two numbers with a hyphen between: `1-41`, `43-43`.
    var text: [UInt8] {
        var text = ""
        if through > 0 { text += "1-\(through)\n" }
        for range in ranges { text += "\(range.first)-\(range.last)\n" }
        return Array(text.utf8)
    }

    /// Reads `text` back; what follows the first line that is none counts as unread.
    init(parsing text: [UInt8]) {
        for line in text.split(separator: 0x0A).prefix(Self.limitRangeCount + 1) {
            let parts = line.split(separator: 0x2D, maxSplits: 1)
            guard parts.count == 2, let first = Decimal.parse(parts[0]), let last = Decimal.parse(parts[1]), first > newest, last >= first, last < .max
            else { return }
            if first == through + 1, ranges.isEmpty { through = last } else { ranges.append(Range(first: first, last: last)) }
        }
    }
}
