import Testing

@testable import TernDeidentification

struct PseudonymTests {
    private let key = DeidentificationKey(bytes: [UInt8](repeating: 0x0B, count: 20) + [UInt8](repeating: 0, count: 12))

    /// The value is that of Python's hmac with SHA-256 for "uid", a zero byte and "1.2.3".
    @Test func isHMAC() throws {
        let key = try #require(key)
        let code = key.code("uid", Array("1.2.3".utf8))
        #expect(code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == "521f72fae0b32a115fb314f92318875908cb6dbacd4572756f528b9de433c911")
    }

    @Test func identifiersAreUUIDsInDecimal() throws {
        let pseudonyms = Pseudonyms(key: try #require(key))
        #expect(String(decoding: pseudonyms.identifier(for: Array("1.2.3".utf8)), as: UTF8.self) == "2.25.109159988928254818024478516515683469145")
        var seen: Set<[UInt8]> = []
        for index in 0..<1_000 {
            let identifier = pseudonyms.identifier(for: Array("1.2.\(index)".utf8))
            #expect(identifier.count <= 44 && ValueRules.isIdentifier(identifier))
            seen.insert(identifier)
        }
        #expect(seen.count == 1_000)
    }

    @Test func keyFilesAreRead() {
        let digits = String(repeating: "0a", count: 32)
        #expect(DeidentificationKey(parsing: " \(digits)\n")?.text == digits + "\n")
        for wrong in ["", "0a", digits + "0", digits + " " + digits, String(repeating: "zz", count: 32)] { #expect(DeidentificationKey(parsing: wrong) == nil) }
    }

    @Test func shiftsAreOneToTenYears() throws {
        let pseudonyms = Pseudonyms(key: try #require(key))
        for index in 0..<500 { #expect((1...3_652).contains(pseudonyms.dayShift(Array("\(index)".utf8)))) }
    }
}
