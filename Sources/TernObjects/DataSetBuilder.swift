/// Value representations of what is written here, by their two letters (PS3.5 2024d 6.2).
enum Representation: UInt16 {
    case codeString = 0x4353
    case date = 0x4441
    case decimalString = 0x4453
    case float = 0x464C
    case integerString = 0x4953
    case longString = 0x4C4F
    case longText = 0x4C54
    case otherByte = 0x4F42
    case otherWord = 0x4F57
    case personName = 0x504E
    case shortString = 0x5348
    case shortText = 0x5354
    case sequence = 0x5351
    case time = 0x544D
    case ageString = 0x4153
    case unlimitedCharacters = 0x5543
    case uniqueIdentifier = 0x5549
    case unsignedLong = 0x554C
    case unsignedShort = 0x5553
    case unlimitedText = 0x5554

    /// Two reserved bytes and a length of four bytes follow the letters, instead of a length of two (PS3.5 2024d 7.1.2).
    var hasLongLength: Bool {
        switch self {
        case .otherByte, .otherWord, .sequence, .unlimitedCharacters, .unlimitedText: true
        default: false
        }
    }

    var padding: UInt8 {
        switch self {
        case .uniqueIdentifier, .otherByte: 0
        default: 0x20
        }
    }
}

/// A data set in the making: Explicit VR Little Endian, lengths defined, elements in ascending order whatever the order they are given in.
struct DataSetBuilder {
    private var elements: [(tag: UInt32, bytes: [UInt8])] = []

    /// Adds an element, padded to an even length. A value that does not fit the length field of its representation is left empty.
    @inline(never)
    mutating func add(_ tag: UInt32, _ representation: Representation, _ value: [UInt8]) {
        var bytes: [UInt8] = []
        let isOdd = value.count % 2 == 1
        let count = value.count + (isOdd ? 1 : 0)
        let fits = count <= (representation.hasLongLength ? 0xFFFF_FFFE : 0xFFFE)
        bytes.reserveCapacity(12 + (fits ? count : 0))
        bytes.append(short: UInt16(truncatingIfNeeded: tag >> 16))
        bytes.append(short: UInt16(truncatingIfNeeded: tag))
        bytes.append(short: representation.rawValue.byteSwapped)
        if representation.hasLongLength {
            bytes.append(short: UInt16(0))
            bytes.append(long: UInt32(truncatingIfNeeded: fits ? count : 0))
        } else {
            bytes.append(short: UInt16(truncatingIfNeeded: fits ? count : 0))
        }
        if fits {
            bytes.append(contentsOf: value)
            if isOdd { bytes.append(representation.padding) }
        }
        elements.append((tag, bytes))
    }

    /// Adds text that is ASCII or in the character set of the data set, and short enough.
    @inline(never)
    mutating func add(_ tag: UInt32, _ representation: Representation, _ text: String) { add(tag, representation, Array(text.utf8)) }

    @inline(never)
    mutating func add(_ tag: UInt32, short value: Int) {
        var bytes: [UInt8] = []
        bytes.append(short: UInt16(truncatingIfNeeded: value))
        add(tag, .unsignedShort, bytes)
    }

    /// Adds a sequence of items.
    @inline(never)
    mutating func add(_ tag: UInt32, items: [DataSetBuilder]) {
        var value: [UInt8] = []
        for item in items {
            let content = item.bytes
            value.append(short: UInt16(0xFFFE))
            value.append(short: UInt16(0xE000))
            value.append(long: UInt32(truncatingIfNeeded: content.count))
            value.append(contentsOf: content)
        }
        add(tag, .sequence, value)
    }

    mutating func add(_ tag: UInt32, item: DataSetBuilder) { add(tag, items: [item]) }

    /// The elements, ascending.
    var bytes: [UInt8] {
        var all: [UInt8] = []
        for element in elements.sorted(by: { $0.tag < $1.tag }) { all.append(contentsOf: element.bytes) }
        return all
    }
}

extension [UInt8] {
    @inline(never)
    mutating func append(short value: UInt16) {
        append(UInt8(truncatingIfNeeded: value))
        append(UInt8(truncatingIfNeeded: value >> 8))
    }

    @inline(never)
    mutating func append(long value: UInt32) {
        append(short: UInt16(truncatingIfNeeded: value))
        append(short: UInt16(truncatingIfNeeded: value >> 16))
    }
}
