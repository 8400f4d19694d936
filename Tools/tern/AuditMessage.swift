import Foundation
import TernConvert

/// A record as the two standards see it: they share their parts, since FHIR AuditEvent and PS3.15 A.5 both come from RFC 3881.
struct AuditMessage {
    struct Code {
        var value: String
        var meaning: String
        /// Codes of our own where the standard has none.
        var isOwn = false

        /// A code of PS3.16 Annex D.
        static func dcm(_ value: String, _ meaning: String) -> Code { Code(value: value, meaning: meaning) }
        static func own(_ value: String, _ meaning: String) -> Code { Code(value: value, meaning: meaning, isOwn: true) }
    }
    struct Participant {
        var user: String
        var process: String?
        var isRequestor: Bool
        var role: Code
    }
    struct Object {
        var identifier: String
        var kind: Code
        var name: String
        /// PS3.15 A.5.1.2.2 and A.5.1.2.3.
        var role: String
        var lifeCycle: String?
        var details: [(name: String, value: String)] = []
    }
    var event: Code
    var type: Code?
    /// C, R, U, D or E.
    var action = "E"
    var time: String
    /// 0, 4, 8 or 12.
    var outcome = "0"
    var description: String?
    var participants: [Participant]
    var objects: [Object] = []
    var source: String

    private static let application = Code.dcm("110150", "Application")
    private static let requestor = Code.own("REQUESTOR", "Process that asked over the socket")
    private static let alert = Code.dcm("110113", "Security Alert")

    /// Nil for a line that is no record.
    init?(_ line: AuditFolder.Line, source: String) {
        guard let record = line.document, let event = record["event"]?.string, let time = record["time"]?.string, let hash = record["hash"]?.string,
            let number = record["number"]?.integer
        else { return nil }
        (self.time, self.source) = (time, source)
        (self.event, type, action) = Self.codes(event, record)
        participants = [Participant(user: source, process: nil, isRequestor: false, role: Self.application)]
        let origin = record["origin"]
        if let user = (origin?["uid"] ?? record["uid"])?.integer {
            participants.insert(
                Participant(user: "uid:\(user)", process: origin?["pid"]?.integer.map { "pid:\($0)" }, isRequestor: true, role: Self.requestor), at: 0)
        } else {
            participants[0].isRequestor = true
        }
        judge(event, record)
        addObjects(event, record)
        objects.append(
            Object(
                identifier: hash, kind: .own("AUDIT-RECORD", "SHA-256 of a record of the audit log"), name: "record \(number)", role: "13",
                details: [("record", String(decoding: line.bytes, as: UTF8.self))]))
    }

    private static func codes(_ event: String, _ record: JSONValue) -> (event: Code, type: Code?, action: String) {
        switch event {
        case "start": (.dcm("110100", "Application Activity"), .dcm("110120", "Application Start"), "E")
        case "stop": (.dcm("110100", "Application Activity"), .dcm("110121", "Application Stop"), "E")
        case "result": (.own("RESULT", "Result of a study"), nil, "C")
        case "review": (.own("REVIEW", "Review of a result"), nil, "C")
        case "retention": (.own("RETENTION", "Results deleted"), nil, "D")
        case "rotation": (.own("ROTATION", "File of the audit log closed"), nil, "E")
        case "refusal" where record["status"]?.integer == 403: (alert, .dcm("110132", "Use of Restricted Function"), "E")
        case "refusal": (.own("REFUSAL", "Requests refused"), nil, "E")
        case "model", "model_refused", "reload": (alert, .dcm("110131", "Software Configuration"), event == "reload" ? "E" : "U")
        default: (alert, .own(event.uppercased().replacingOccurrences(of: "_", with: "-"), "Finding of the service about its own records"), "E")
        }
    }

    /// Sets how it ended. PS3.15: 4 minor failure, 8 serious failure.
    private mutating func judge(_ event: String, _ record: JSONValue) {
        switch event {
        case "result" where record["status"]?.string != "succeeded" && record["recovered"] == nil || event == "result" && record["reason"]?.string != nil:
            outcome = "4"
            description = record["reason"]?.string
        case "refusal", "model_refused":
            outcome = "4"
            description = record["code"]?.string
        case "torn_tail", "unaudited", "findings_missing", "lost": outcome = "4"
        case "tail_missing", "head_missing": outcome = "8"
        default: break
        }
    }

    private mutating func addObjects(_ event: String, _ record: JSONValue) {
        if let input = record["input"], let digest = input["sha256"]?.string {
            objects.append(
                Object(
                    identifier: digest, kind: .own("INPUT", "SHA-256 of an input"), name: "input", role: "25", lifeCycle: "6",
                    details: details(input, ["kind", "frames", "modality"])))
        }
        if let identifier = record["id"]?.string {
            objects.append(
                Object(
                    identifier: identifier, kind: .own("RESULT-ID", "Identifier of a result"), name: "result", role: "3",
                    lifeCycle: event == "review" ? record["decision"]?.string == "amend" ? "3" : "4" : "1",
                    details: details(
                        record, ["sequence", "of", "status", "reason", "operatingPoint", "output", "content", "line", "decision", "label", "call", "review"])))
        }
        if let digest = record["model"]?.string {
            objects.append(
                Object(
                    identifier: digest, kind: .own("MODEL", "Identity of a model file"), name: "model", role: "26",
                    details: details(record, ["version", "keyId", "isa", "operatingPoint"])))
        }
    }

    private func details(_ value: JSONValue, _ names: [String]) -> [(name: String, value: String)] {
        names.compactMap { name in
            switch value[name] {
            case nil, .null?: nil
            case .string(let text)?: (name, text)
            case let other?: (name, other.text)
            }
        }
    }
}

// MARK: - DICOM PS3.15 2024d A.5.1.1

extension AuditMessage {
    /// One XML document on one line.
    var dicom: String {
        var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><AuditMessage><EventIdentification"
        xml += attributes([("EventActionCode", action), ("EventDateTime", time), ("EventOutcomeIndicator", outcome)]) + ">"
        xml += element("EventID", event)
        if let type { xml += element("EventTypeCode", type) }
        if let description { xml += "<EventOutcomeDescription>\(escaped(description))</EventOutcomeDescription>" }
        xml += "</EventIdentification>"
        for participant in participants {
            var values = [("UserID", participant.user)]
            if let process = participant.process { values.append(("AlternativeUserID", process)) }
            values.append(("UserIsRequestor", participant.isRequestor ? "true" : "false"))
            xml += "<ActiveParticipant" + attributes(values) + ">" + element("RoleIDCode", participant.role) + "</ActiveParticipant>"
        }
        xml += "<AuditSourceIdentification" + attributes([("AuditSourceID", source)]) + "><AuditSourceTypeCode csd-code=\"4\"/></AuditSourceIdentification>"
        for object in objects {
            var values = [("ParticipantObjectID", object.identifier), ("ParticipantObjectTypeCode", "2"), ("ParticipantObjectTypeCodeRole", object.role)]
            if let cycle = object.lifeCycle { values.append(("ParticipantObjectDataLifeCycle", cycle)) }
            xml += "<ParticipantObjectIdentification" + attributes(values) + ">" + element("ParticipantObjectIDTypeCode", object.kind)
            xml += "<ParticipantObjectName>\(escaped(object.name))</ParticipantObjectName>"
            for detail in object.details {
                xml += "<ParticipantObjectDetail" + attributes([("type", detail.name), ("value", base64(detail.value))]) + "/>"
            }
            xml += "</ParticipantObjectIdentification>"
        }
        return xml + "</AuditMessage>"
    }

    private func element(_ name: String, _ code: Code) -> String {
        "<\(name)" + attributes([("csd-code", code.value), ("codeSystemName", code.isOwn ? "99TERN" : "DCM"), ("originalText", code.meaning)]) + "/>"
    }

    private func attributes(_ values: [(String, String)]) -> String { values.map { " \($0.0)=\"\(escaped($0.1))\"" }.joined() }

    /// Characters that XML 1.0 has no place for become U+FFFD.
    private func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result += "&#\(scalar.value);"
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
}

// MARK: - FHIR R4 (4.0.1) AuditEvent

extension AuditMessage {
    /// One resource on one line.
    var fhir: String {
        var members = [JSONMember("resourceType", .string("AuditEvent")), JSONMember("type", coding(event))]
        if let type { members.append(JSONMember("subtype", .array([coding(type)]))) }
        members += [JSONMember("action", .string(action)), JSONMember("recorded", .string(time)), JSONMember("outcome", .string(outcome))]
        if let description { members.append(JSONMember("outcomeDesc", .string(description))) }
        members.append(JSONMember("agent", .array(participants.map(agent))))
        members.append(
            JSONMember(
                "source",
                .object([
                    JSONMember("observer", .object([JSONMember("display", .string(source))])),
                    JSONMember(
                        "type",
                        .array([
                            .object([
                                JSONMember("system", .string("http://terminology.hl7.org/CodeSystem/security-source-type")), JSONMember("code", .string("4")),
                                JSONMember("display", .string("Application Server")),
                            ])
                        ])),
                ])))
        members.append(JSONMember("entity", .array(objects.map(entity))))
        return JSONValue.object(members).text
    }

    private func coding(_ code: Code) -> JSONValue {
        let system = code.isOwn ? "urn:tern:audit" : "http://dicom.nema.org/resources/ontology/DCM"
        return .object([
            JSONMember("system", .string(system)), JSONMember("code", .string(code.value)), JSONMember("display", .string(code.meaning)),
        ])
    }

    private func agent(_ participant: Participant) -> JSONValue {
        var members = [JSONMember("type", .object([JSONMember("coding", .array([coding(participant.role)]))]))]
        members.append(JSONMember("who", .object([JSONMember("identifier", .object([JSONMember("value", .string(participant.user))]))])))
        if let process = participant.process { members.append(JSONMember("altId", .string(process))) }
        members.append(JSONMember("requestor", .boolean(participant.isRequestor)))
        return .object(members)
    }

    private func entity(_ object: Object) -> JSONValue {
        func code(_ system: String, _ value: String) -> JSONValue {
            .object([JSONMember("system", .string("http://terminology.hl7.org/CodeSystem/" + system)), JSONMember("code", .string(value))])
        }
        var members = [
            JSONMember(
                "what",
                .object([
                    JSONMember(
                        "identifier",
                        .object([
                            JSONMember("type", .object([JSONMember("coding", .array([coding(object.kind)]))])),
                            JSONMember("value", .string(object.identifier)),
                        ]))
                ])),
            JSONMember("type", code("audit-entity-type", "2")),
        ]
        // FHIR has roles 1 to 24; 25 and 26 are of DICOM alone.
        if let number = Int(object.role), number <= 24 { members.append(JSONMember("role", code("object-role", object.role))) }
        if let cycle = object.lifeCycle { members.append(JSONMember("lifecycle", code("dicom-audit-lifecycle", cycle))) }
        members.append(JSONMember("name", .string(object.name)))
        if !object.details.isEmpty {
            members.append(
                JSONMember(
                    "detail",
                    .array(object.details.map { .object([JSONMember("type", .string($0.name)), JSONMember("valueBase64Binary", .string(base64($0.value)))]) })))
        }
        return .object(members)
    }
}
