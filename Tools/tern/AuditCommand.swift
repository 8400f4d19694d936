import ArgumentParser
import Foundation
import TernAudit
import TernConvert

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Checks and exports the audit log of a service.",
        discussion: """
            Example:
              tern audit verify /var/lib/tern
              tern audit export /var/lib/tern --fhir > events.ndjson
            """,
        subcommands: [AuditVerifyCommand.self, AuditExportCommand.self])
}

struct AuditVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Finds every record that was changed, removed, inserted or put elsewhere.",
        discussion: """
            Takes a state directory, or a copy of its audit folder alone. In a state directory the results and the reviews are held against their records too. Exit code
            65 when something is wrong; each fault is one line.

            The chain has no key: whoever may write the files could write all of them anew. Keep a number and its hash elsewhere now and then
            (`audit` in /v1/status) and name them with --expect: then that is found too.

            Example:
              tern audit verify /var/lib/tern
              tern audit verify copy/audit --expect 1207:9c1e…
            """)
    @Argument(help: "State directory, or audit folder.") var folder: String
    @Option(help: "NUMBER:HASH of a record that was kept elsewhere; may be given several times.") var expect: [String] = []
    @Option(help: "NUMBER:HASH of the record before the first one, when closed files were put elsewhere.") var from: String?
    @Flag(help: "Leave the results and the reviews alone.") var logOnly = false
    @Flag(help: "One JSON object instead of lines.") var json = false

    func run() throws {
        try reporting {
            let verification = try AuditVerification(
                try AuditFolder(folder), from: try from.map { try anchor($0) }, expected: try expect.map { try anchor($0) }, checksResults: !logOnly)
            print(json ? verification.json.text : verification.text)
            if !verification.faults.isEmpty { throw ExitCode(Failure.Kind.badInput.rawValue) }
        }
    }
}

/// `NUMBER:HASH`.
private func anchor(_ text: String) throws -> AuditHead {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = Int(parts[0]), number > 0, parts[1].count == 64, parts[1].allSatisfy({ "0123456789abcdef".contains($0) }) else {
        throw ValidationError("\"\(text)\" is not NUMBER:HASH with 64 hexadecimal digits of lower case")
    }
    return AuditHead(number: number, hash: Array(parts[1].utf8))
}

struct AuditExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes the records as DICOM audit messages or FHIR AuditEvents.",
        discussion: """
            --dicom: a message of PS3.15 A.5 a line, each an XML document. --fhir: an AuditEvent of R4 (4.0.1) a line, NDJSON. Each carries its record as it stands in the
            log, so that the chain can be checked from the export. A log that is not intact is exported all the same, with exit code 65; tern audit verify says
            what is wrong.

            Example:
              tern audit export /var/lib/tern --dicom --source lung-ward-3 > messages.xml
              tern audit export /var/lib/tern --fhir --after 1207 -o events.ndjson
            """)
    @Argument(help: "State directory, or audit folder.") var folder: String
    @Flag(help: "DICOM PS3.15 A.5 XML.") var dicom = false
    @Flag(help: "FHIR R4 AuditEvent.") var fhir = false
    @Option(help: "What the messages call this installation.") var source = "ternd"
    @Option(help: "Only records behind this number.") var after = 0
    @Option(name: [.short, .long], help: "File to write. Default: standard output.") var output: String?

    func validate() throws {
        guard dicom != fhir else { throw ValidationError("name --dicom or --fhir, one of them") }
        guard !source.isEmpty, source.utf8.count <= 128 else { throw ValidationError("--source has 1 to 128 bytes") }
    }

    func run() throws {
        try reporting {
            var chain: AuditChain?
            var isIntact = true
            var text = ""
            try AuditFolder(folder).forEach("exporting") { line in
                var now = chain ?? AuditLine(parsing: line.bytes).map { AuditChain(number: $0.number - 1, hash: $0.previous) } ?? AuditChain()
                let (record, findings) = now.take(line.bytes)
                chain = now
                if !findings.isEmpty { isIntact = false }
                guard let record, record.number > after, let message = AuditMessage(line, source: source) else { return }
                text += (dicom ? message.dicom : message.fhir) + "\n"
                if output == nil, text.utf8.count > 1 << 16 {
                    print(text, terminator: "")
                    text = ""
                }
            }
            if let output { try writeFile(Array(text.utf8), to: output) } else { print(text, terminator: "") }
            if !isIntact {
                writeError("tern: the log is not intact; tern audit verify says what is wrong\n")
                throw ExitCode(Failure.Kind.badInput.rawValue)
            }
        }
    }
}
