import TernDICOM
import Testing

@testable import TernDeidentification

struct ElementPolicyTests {
    @Test func combinedActionsLeaveEveryTypeValid() {
        typealias Basic = ProfileAction.Basic
        let expected: [(Basic, Basic)] = [
            (.remove, .remove), (.empty, .empty), (.dummy, .dummy), (.mapUID, .mapUID), (.removeOrEmpty, .empty), (.emptyOrDummy, .dummy),
            (.removeOrDummy, .dummy), (.removeOrEmptyOrDummy, .dummy), (.removeOrEmptyOrMapUIDs, .mapUID),
        ]
        for (action, resolved) in expected { #expect(action.resolved == resolved) }
    }

    @Test func dictionaryAndTableAreRead() throws {
        let rules = AttributeRules.shared
        #expect(rules[DICOMTag(0x0010, 0x0010)]?.representation == .PN)
        #expect(rules[DICOMTag(0x0010, 0x0010)]?.action?.basic == .empty)
        #expect(rules[DICOMTag(0x0028, 0x0106)]?.dependsOnPixelRepresentation == true)
        #expect(rules[DICOMTag(0x0018, 0x1000)]?.action == ProfileAction(basic: .removeOrEmptyOrDummy, isDevice: true, isTemporal: false))
        #expect(rules[DICOMTag(0x0008, 0x0020)]?.action == ProfileAction(basic: .empty, isDevice: false, isTemporal: true))
        #expect(rules[DICOMTag(0x0009, 0x0010)] == nil)
        #expect(rules[DICOMTag(0x0028, 0x3002)]?.limitCount == 3 && rules[DICOMTag(0x0028, 0x0010)]?.limitCount == 1)
        #expect(profileRows().count > 600)
    }

    @Test func formsLeaveNoRoomForNames() {
        let holds = { (representation: VR, text: String) in ValueRules.hasForm(representation, Array(text.utf8)) }
        #expect(holds(.CS, "ORIGINAL\\PRIMARY ") && !holds(.CS, "Doe") && !holds(.CS, "SEVENTEEN LETTERS"))
        #expect(holds(.DS, "-1.5e+3\\ 2") && !holds(.DS, "Eee") && !holds(.DS, "e") && holds(.DS, "") && !holds(.DS, "1-2-3.4.5"))
        #expect(holds(.IS, "+12\\-3") && !holds(.IS, "1a") && !holds(.IS, "555-1234"))
        #expect(holds(.AS, "045Y") && !holds(.AS, "45Y") && !holds(.AS, "045A"))
    }

    @Test func wordsAndIdentifiersOfTheStandardStay() {
        let isTerm = { (tag: UInt32, text: String) in Registry.isTerm(DICOMTag(number: tag), Array(text.utf8)) }
        for term in ["ORIGINAL", "YBR_FULL_422", "AXIAL MODE", "HFS", "00"] { #expect(isTerm(0x0008_0008, term), "\(term)") }
        for term in ["DOE JOHN", "19700101", "JOHN", "MRN12345"] { #expect(!isTerm(0x0008_0008, term), "\(term)") }
        #expect(isTerm(0x0008_0008, "0001") && !isTerm(0x0018_0015, "4711") && isTerm(0x0020_0020, "PFL") && isTerm(0x0018_1261, "35CMX43CM"))
        let isStandard = { (text: String) in Registry.isOfTheStandard(Array(text.utf8)) }
        for text in ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.1", "1.2.840.10008.1.4.1.1", "1.2.840.10008.6.1.1234"] {
            #expect(isStandard(text), "\(text)")
        }
        for text in ["1.2.840.10008.19700101.123456789", "1.2.840.10008.6.1.12345", "1.2.840.10008.5.1.4.1.1.2.4711", "1.2.3"] { #expect(!isStandard(text), "\(text)") }
        #expect(Registry.isClass(Array("1.3.12.2.1107.5.9.1".utf8)) && !Registry.isClass(Array("1.19700101.424242".utf8)))
    }

    @Test func bytesOfTextAreNoNumbers() {
        #expect(!ValueRules.isPlausible(Array("DOEJOHN1".utf8)) && ValueRules.knownTags(Array("DOE^".utf8) + [0x28, 0, 0x10, 0]) == [0x28, 0, 0x10, 0])
        for number in [0.0, -1.5, 1e-6, 1.7e12, .nan, .infinity] {
            #expect(ValueRules.isPlausible((0..<8).map { UInt8(truncatingIfNeeded: number.bitPattern >> ($0 * 8)) }), "\(number)")
        }
    }

    @Test func codesOfPublicSchemesStay() {
        let stays = { (code: String, scheme: String) in CodeRules.mayStay(Array(code.utf8), scheme: Array(scheme.utf8)) }
        for (code, scheme) in [("121071", "DCM"), ("T-D3000", "SRT"), ("R-10206", "SNM3"), ("RID10321", "RADLEX"), ("mm", "UCUM"), ("80146002", "SCT")] {
            #expect(stays(code, scheme), "\(code)")
        }
        for (code, scheme) in [("DOE", "DCM"), ("JANE DOE 12", "SRT"), ("121071", "99LOCAL"), ("DOE", "UCUM"), ("DoeJane12", "SCT"), ("121071", "")] {
            #expect(!stays(code, scheme), "\(code)")
        }
    }

    @Test func kernelsAndTermsStay() {
        let stays = { (tag: UInt32, text: String) in ValueRules.isTechnical(DICOMTag(number: tag), Array(text.utf8)) }
        for kernel in ["B30f", "Br40d\\3", "STANDARD", "FC08", "YA", "I31f"] { #expect(stays(0x0018_1210, kernel), "\(kernel)") }
        for kernel in ["DOE", "Jane1960", "B30f Doe"] { #expect(!stays(0x0018_1210, kernel), "\(kernel)") }
        #expect(stays(0x0028_1054, "HU ") && !stays(0x0028_1054, "Doe"))
    }
}
