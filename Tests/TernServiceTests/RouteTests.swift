import Testing
import TernFindings
import TernPlatform

@testable import TernService

@Suite struct RouteTests {
    private func status(_ method: HTTPRequest.Method, _ target: String) -> Int {
        do throws(Problem) {
            _ = try Route(method: method, target: target)
            return 200
        } catch { return error.status }
    }

    @Test func knowsEveryPath() throws {
        let identifier = try StudyIdentifier()
        #expect(try Route(method: .post, target: "/v1/studies") == .postStudy(waits: false, selection: .all, modality: nil))
        #expect(try Route(method: .post, target: "/v1/studies?wait=1") == .postStudy(waits: true, selection: .all, modality: nil))
        #expect(try Route(method: .get, target: "/v1/findings") == .findings(after: nil, follows: false))
        #expect(try Route(method: .get, target: "/v1/findings?") == .findings(after: nil, follows: false))
        #expect(try Route(method: .get, target: "/v1/findings?follow=1&after=12") == .findings(after: 12, follows: true))
        #expect(try Route(method: .get, target: "/v1/findings/\(identifier.text)") == .finding(identifier))
        #expect(try Route(method: .get, target: "/v1/findings/\(identifier.text)/review") == .reviews(identifier))
        #expect(try Route(method: .post, target: "/v1/findings/\(identifier.text)/review") == .postReview(identifier))
        #expect(status(.post, "/v1/findings/\(identifier.text)/reviews") == 404 && status(.other, "/v1/findings/\(identifier.text)/review") == 405)
        #expect(try Route(method: .get, target: "/v1/events?follow=1&after=3") == .events(after: 3, follows: true))
        #expect(try Route(method: .get, target: "/v1/status") == .status)
        #expect(try Route(method: .get, target: "/v1/model") == .model)
        #expect(try Route(method: .get, target: "/healthz") == .health)
        #expect(try Route(method: .get, target: "/metrics") == .metrics)
    }

    @Test(arguments: [
        "", "/", "/v1", "/v1/", "/v1/studies/", "/v1/findingsx", "/v1/findings/", "/v1/findings/x", "//v1/status", "/v1/status/", "/V1/status",
        "/v1/findings/00000000-0000-4000-8000-00000000000G", "/v1/%73tatus",
    ])
    func everythingElseIsNotFound(target: String) { #expect(status(.get, target) == 404) }

    @Test(arguments: [
        "after", "after=", "after=-1", "after=+1", "after=1x", "after=9223372036854775808", "after=00000000000000000001", "after=1&after=1", "follow=2", "follow=", "x=1",
        "wait=1", "after=1&&x", "%61fter=1",
    ])
    func aQueryIsCheckedWhole(query: String) { #expect(status(.get, "/v1/findings?" + query) == 400) }

    @Test func framesAreChosenInTheQuery() throws {
        for text in ["3-40:2", "3-40%3A2", "3-40%3a2"] {
            let route = try Route(method: .post, target: "/v1/studies?wait=1&frames=" + text)
            #expect(route == .postStudy(waits: true, selection: try #require(FrameSelection(Array("3-40:2".utf8))), modality: nil))
        }
        for text in ["", "0", "a", "3-2", "1%2D2", "1&frames=2", "%3A", "1-%3"] { #expect(status(.post, "/v1/studies?frames=" + text) == 400) }
        #expect(status(.get, "/v1/findings?frames=1") == 400)
    }

    @Test func aModalityIsStatedInTheQuery() throws {
        let route = try Route(method: .post, target: "/v1/studies?modality=MR")
        #expect(route == .postStudy(waits: false, selection: .all, modality: try #require(StatedModality("MR".utf8))))
        for text in ["", "mr", "MRI", "DOE", "MR%20", "CR+DX", "MR&modality=MR"] { #expect(status(.post, "/v1/studies?modality=" + text) == 400) }
    }

    @Test func theLargestSequenceIsANumber() throws {
        #expect(try Route(method: .get, target: "/v1/findings?after=9223372036854775807") == .findings(after: .max, follows: false))
    }

    @Test func aNumberHasOneToNineteenDigits() {
        let digits = { (count: Int) in [UInt8](repeating: 0x30, count: count - 1) + [0x37] }
        #expect(Decimal.parse(digits(1)) == 7 && Decimal.parse(digits(19)) == 7)
        #expect(Decimal.parse(digits(20)) == nil && Decimal.parse(digits(200)) == nil && Decimal.parse([UInt8]()) == nil)
    }

    @Test func aPathHasOneMethod() {
        for method in [HTTPRequest.Method.get, .head, .other] { #expect(status(method, "/v1/studies") == 405) }
        for path in ["/v1/findings", "/v1/events", "/v1/status", "/v1/model", "/healthz", "/metrics"] {
            #expect(status(.head, path) == 200)
            #expect(status(.post, path) == 405)
            #expect(status(.other, path) == 405)
        }
    }

    @Test func identifiersAreRandomAndReadBack() throws {
        let first = try StudyIdentifier(), second = try StudyIdentifier()
        #expect(first != second)
        #expect(StudyIdentifier(Array(first.text.utf8)) == first)
        let characters = Array(first.text)
        #expect(characters.count == 36 && characters[14] == "4" && "89ab".contains(characters[19]))
        #expect(StudyIdentifier(Array("00000000x0000-4000-8000-000000000000".utf8)) == nil)
        #expect(StudyIdentifier(Array("00000000-0000-4000-8000-00000000000".utf8)) == nil)
        #expect(StudyIdentifier(Array("ABCDEF00-0000-4000-8000-000000000000".utf8)) == nil)
    }

    @Test(arguments: [
        ("image/png", InputKind.png), ("image/jpeg", .jpeg), ("application/dicom", .dicom), ("Image/PNG", .png), (" image/png ; a=b", .png),
        ("image/png;", .png), ("image/pngx", nil), ("", nil), ("image", nil), ("application/nifti", .nifti), ("application/x-nifti", nil),
    ] as [(String, InputKind?)])
    func contentTypeTellsTheKind(text: String, kind: InputKind?) { #expect(InputKind(contentType: text) == kind) }
}
