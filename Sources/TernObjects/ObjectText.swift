import TernFindings

/// Brings texts of ours into the character set of an object, and to the length that a representation allows.
struct ObjectText {
    /// False where only ASCII is the same in the character set of the object: a question mark stands for everything else.
    let isUnicode: Bool

    /// One value of at most `limitCount` characters without control characters; the backslash, which would begin another value, becomes a slash.
    @inline(never)
    func line(_ text: String, limitCount: Int = 64) -> [UInt8] {
        var result: [UInt8] = []
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < limitCount else { break }
            count += 1
            switch scalar.value {
            case 0..<0x20, 0x7F: result.append(0x20)
            case 0x5C: result.append(0x2F)
            case 0x20..<0x7F: result.append(UInt8(scalar.value))
            case _ where isUnicode && scalar.value >= 0xA0: result.append(contentsOf: scalar.utf8)
            default: result.append(0x3F)
            }
        }
        while result.last == 0x20 { result.removeLast() }
        return result
    }

    /// A coded term as the item of a sequence (PS3.3 2024d 8.8): a value of more than 16 characters is a long one.
    @inline(never)
    func item(_ term: CodedTerm) -> DataSetBuilder {
        var item = DataSetBuilder()
        let value = line(term.value, limitCount: 256)
        if value.count <= 16 {
            item.add(Tag.codeValue, .shortString, value)
        } else {
            item.add(Tag.longCodeValue, .unlimitedCharacters, value)
        }
        item.add(Tag.codingScheme, .shortString, line(term.scheme, limitCount: 16))
        item.add(Tag.codeMeaning, .longString, line(term.meaning))
        return item
    }
}

/// The shortest decimal of at most 16 characters (PS3.5 2024d 6.2, DS); nil for what is no number.
@inline(never)
func decimalString(_ number: Float) -> [UInt8]? {
    guard number.isFinite else { return nil }
    let text = Array(number.description.utf8)
    // A binary32 has at most 9 digits, a sign, a point, and an exponent of four characters.
    return text.count <= 16 ? text : nil
}
