/// Some frames of a file: from one to another, each, or each second, third …
///
/// As text `7`, `3-40`, `5-` (to the last), each with a stride behind a colon: `3-40:2`. First frame is 1, as in DICOM.
public struct FrameSelection: Equatable, Sendable {
    /// At least 1.
    public let first: Int
    /// At least `first`; nil: the file's last.
    public let last: Int?
    /// At least 1.
    public let stride: Int

    /// Every frame.
    public static let all = FrameSelection(checkedFirst: 1, last: nil, stride: 1)

    private init(checkedFirst first: Int, last: Int?, stride: Int) {
        self.first = first
        self.last = last
        self.stride = stride
    }

    /// Frames `first` to `last`, nil for the file's last; nil unless numbers are 1 … 999,999,999 and in order.
    public init?(first: Int, last: Int?, stride: Int) {
        let limits = 1...999_999_999
        guard limits.contains(first), limits.contains(last ?? first), last ?? first >= first, limits.contains(stride) else { return nil }
        self.init(checkedFirst: first, last: last, stride: stride)
    }

    /// Reads the text; nil when it is none of those.
    public init?(_ text: some Collection<UInt8>) {
        var numbers: (first: Int?, last: Int?, stride: Int?) = (nil, nil, nil)
        var isRange = false
        let parts = text.split(separator: 0x3A, omittingEmptySubsequences: false)
        guard parts.count <= 2, let range = parts.first else { return nil }
        let ends = range.split(separator: 0x2D, omittingEmptySubsequences: false)
        guard ends.count <= 2, let first = ends.first else { return nil }
        numbers.first = number(first)
        if ends.count == 2 {
            isRange = true
            if !ends[1].isEmpty {
                numbers.last = number(ends[1])
                guard numbers.last != nil else { return nil }
            }
        }
        if parts.count == 2 {
            numbers.stride = number(parts[1])
            guard isRange, numbers.stride != nil else { return nil }
        }
        guard let first = numbers.first else { return nil }
        let last = isRange ? numbers.last : first
        guard last ?? first >= first else { return nil }
        self.init(checkedFirst: first, last: last, stride: numbers.stride ?? 1)
    }

    /// The frames of a file that has `count`, 0-based; nil when it has not all that are asked for.
    public func indices(count: Int) -> StrideThrough<Int>? {
        guard first <= count, last ?? first <= count else { return nil }
        return Swift.stride(from: first - 1, through: (last ?? count) - 1, by: stride)
    }

    /// How many frames of a file that has `count` are chosen.
    public func chosenCount(of count: Int) -> Int { ((last ?? count) - first) / stride + 1 }
}

/// 1 ... 999,999,999 in decimal digits, the first of which is not zero.
private func number(_ digits: some Collection<UInt8>) -> Int? {
    guard (1...9).contains(digits.count), digits.first != 0x30 else { return nil }
    var value = 0
    for digit in digits {
        guard (0x30...0x39).contains(digit) else { return nil }
        value = value * 10 + Int(digit - 0x30)
    }
    return value
}
