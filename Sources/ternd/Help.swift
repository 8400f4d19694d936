let helpOverview = """
    ternd reads medical images with a ternary or INT8 Vision Transformer. It is no medical device and is not for clinical use.

    usage: ternd VERB [options]

      infer      read image files, one JSON line each on standard output
      screen     read all images of a folder into a report, a table and JSON lines
      serve      read images sent over a Unix socket
      info       version, instruction sets, and what a model file says of itself
      selftest   prove that this machine computes what the model file expects
      bench      measure
      model      the models of a store: add, use, list, mark-good, rollback

    ternd VERB --help explains each. Exit codes: 0 ok, 64 usage, 65 bad input, 66 cannot open, 69 unavailable, 70 our fault,
    74 input/output, 75 busy, 77 permission.

    """

/// Options of every verb that opens a model.
private let modelHelp = ModelOptions.table.help

extension Command {
    var help: String {
        switch self {
        case .infer:
            """
            usage: ternd infer --model M.tern [options] FILE...

            Reads JPEG, PNG, DICOM and NIfTI files and writes one JSON line (tern.result/1) for each, in the order given, also for those that
            cannot be analysed. A cine or a volume is one line with a part for each frame; of a NIfTI pair name either file, the other is looked for
            beside it. Exit code 65 when one could not be analysed, or not whole, 66 when the only failures are files that could not be opened. The golden vectors of
            the model come first: when one differs, no image is read and the exit code is 70.

            \(modelHelp)  --operating-point NAME
                                  thresholds of this name instead of the model's default ones; ternd info lists them
              --frames SELECTION  FIRST, FIRST-LAST or FIRST-, with :STRIDE behind a range; the first frame is 1 (default: all, at most 256)
              --maps DIR          where the model looked: of each image SEQUENCE-LABEL.jpg and, in numbers, SEQUENCE.json; findings then say where
                                  they are; see docs/where.md
              --modality TERM     what files that name no modality (NIfTI, JPEG, PNG) come from: CR, US, MR ...; without it they are not checked
              --words en|zh       the report in words instead of JSON, in English or Chinese; a line --- between two
              --form NAME         json (default), fhir (a bundle of FHIR R4 on a line) or hl7 (a message ORU^R01)
              --outbox DIR        write each result for other programs into this folder too, made when missing; see docs/integration.md
              --outbox-forms LIST
                                  \(OutboxWriter.Form.help)

            example: ternd infer --model pneumonia28.tern --trust signing-key.pub chest-1.jpeg chest-2.dcm
                     ternd infer --model pneumonia28.tern --trust signing-key.pub --words zh chest-1.jpeg
                     ternd infer --model heart.tern --trust signing-key.pub --frames 1-40:2 cine.dcm

            """
        case .screen:
            """
            usage: ternd screen --model M.tern --out DIR [options] FOLDER

            Reads every image of a folder and of the folders in it, several at a time, and writes to DIR: report.html, a page for a browser that needs no
            network, findings.csv for a spreadsheet, and findings.jsonl (tern.result/1 with the path). A file that cannot be analysed is a row with a reason.
            Ctrl-C stops it after the images at hand, and the same command goes on, also after a power cut: nothing is done twice. Hidden files, links and what
            is no image are counted and left out. Paths stand in the results: names of files may carry names of people.
            Exit code 0 when every image was analysed, 65 when one was not, or not as a whole, 66 when there is none, 75 when it was stopped.

            \(ScreenOptions.table.help)
            example: ternd screen --model pneumonia28.tern --trust signing-key.pub --out results /media/stick/images

            """
        case .serve:
            """
            usage: ternd serve --model M.tern --socket PATH --state DIR [options]
                   ternd serve --config FILE [options]

            HTTP on a Unix socket. Ready when the golden vectors of the model agree bit for bit: then it says so on standard error and, under a
            service manager, through NOTIFY_SOCKET. Without --socket it takes the one the manager gives
            (LISTEN_FDS). Results go to
            DIR/findings.jsonl before anyone sees them. SIGTERM or SIGINT: exits with 0 within two seconds; accepted studies without a result are
            answered by the next start.

            \(ServeOptions.table.help)
            example: ternd serve --model pneumonia28.tern --trust signing-key.pub --socket /run/tern/tern.sock --state /var/lib/tern
                     curl --unix-socket /run/tern/tern.sock -H 'Content-Type: image/jpeg' --data-binary @chest.jpeg 'http://tern/v1/studies?wait=1'

            """
        case .info:
            """
            usage: ternd info [--model M.tern [options]]

            Version, instruction sets that this CPU has, which one is chosen and why; with a model its name, digest, signature, labels and card.

            \(modelHelp)
            example: ternd info --model pneumonia28.tern --trust signing-key.pub

            """
        case .selftest:
            """
            usage: ternd selftest [--model M.tern [options]]
                   ternd selftest --sandbox

            Runs the golden vectors of the model on every instruction set this CPU has, a line each. Without a model it compares every kernel
            table with the scalar one on built-in values. Exit code 0 only when all bits agree. With --sandbox it enters the sandbox of the service instead, tries what it must refuse,
            a line each, and gives 0 only when the kernel refused everything.

            \(modelHelp)
            example: ternd selftest --model pneumonia28.tern --trust signing-key.pub

            """
        case .model:
            """
            usage: ternd model add M.tern --store DIR [options]
                   ternd model use DIGEST --store DIR [options]
                   ternd model list|mark-good|rollback --store DIR

            A store is a folder of models from which ternd serve --store takes the one in use. `add` copies a model file into it, `use` chooses one by the
            first eight digits of its digest or more; both prove it first: format, signature, golden vectors. A service takes the choice at its next start or
            SIGHUP. `mark-good` says that the model in use has proved itself: a later one that fails to start gives way to it. `rollback` goes back to the
            model that is marked good, or from it to the one before.

            \(ModelCommand.table.help)
            example: ternd model add pneumonia28.tern --store /var/lib/tern-models --trust trusted-keys
                     ternd model use 3f9a01c2 --store /var/lib/tern-models --trust trusted-keys && systemctl reload ternd

            """
        case .bench:
            """
            usage: ternd bench --model M.tern [options]

            Measures inference on the model's first golden input and writes one JSON object; with --profile on a terminal, a table instead. "Bytes"
            are what an operation must read and write by its shapes; "ready" is the part of a linear layer before its products.

            \(modelHelp)  --repeat N          measured inferences, 1 to 1000000 (default 50)
              --profile           the median time of each operation too
              --maps              what a map of each reported label costs: an inference with them against one without
              --format NAME       json, or table (with --profile)

            example: ternd bench --model pneumonia28.tern --trust signing-key.pub --threads 2 --repeat 200
                     ternd bench --model pneumonia28.tern --trust signing-key.pub --profile --format table

            """
        }
    }
}
