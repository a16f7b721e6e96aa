using System.Diagnostics;
using System.Text;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Devices;
using Lema.Engine.Errors;

namespace Lema.Bench;

/// <summary>
/// Tokenizing English text, as documents on all cores and as one string on one thread, and one word of many equal letters at two lengths, whose times say whether
/// it is linear, with the peak memory. <c>--model FOLDER</c> (default: the embedded model), <c>--text FILE</c> (default: this repository's documentation, over and over),
/// <c>--letters N</c> of the word (default 10,000,000).
/// </summary>
internal sealed class TokenizerBenchmark : IBenchmark
{
    private const int TextBytes = 20_000_000;
    private const int DocumentCharacters = 20_000;
    private const int LongWordLetters = 10_000_000;
    private const int Repetitions = 5;

    public string Name => "tokenizer";

    public BenchReport Run(BenchOptions options)
    {
        string repository = Repository.Folder();
        Stopwatch loading = Stopwatch.StartNew();
        Tokenizer tokenizer = Tokenizer.Load(options.Text("model") ?? Path.Combine(repository, "assets", "lema-tiny"));
        double loadSeconds = loading.Elapsed.TotalSeconds;
        string text = Repeated(options.Text("text") is { } file ? File.ReadAllText(file) : Documentation(repository));
        string[] documents = [.. text.Chunk(DocumentCharacters).Select(part => new string(part))];
        double megabytes = Encoding.UTF8.GetByteCount(text) / 1e6;
        tokenizer.Encode(text[..Math.Min(text.Length, 1_000_000)], false);

        BenchReport report = new();
        report.Add("megabytesPerSecond", megabytes / Best(() => documents.AsParallel().ForAll(document => tokenizer.Encode(document, false))));
        report.Add("megabytesPerSecondOneThread", megabytes / Best(() => tokenizer.Encode(text, false)));
        report.Add("cores", (long)Environment.ProcessorCount);
        report.Add("vocabulary", (long)tokenizer.VocabularySize);
        report.Add("loadSeconds", loadSeconds);
        int letters = checked((int)(options.Integer("letters") ?? LongWordLetters));
        double whole = Seconds(() => tokenizer.Encode(new string('a', letters), false)), half = Seconds(() => tokenizer.Encode(new string('a', letters / 2), false));
        report.Add("longWordLetters", (long)letters);
        report.Add("longWordSeconds", whole);
        report.Add("longWordOverHalf", whole / half);
        report.Add("peakRssBytes", ProcessMemory.PeakRssBytes);
        return report;
    }

    private static double Best(Action work) => Enumerable.Range(0, Repetitions).Min(_ => Seconds(work));

    private static double Seconds(Action work)
    {
        Stopwatch clock = Stopwatch.StartNew();
        work();
        return clock.Elapsed.TotalSeconds;
    }

    private static string Repeated(string text) => text.Length == 0
        ? throw new InvalidInputException("bench/run", "--text", "is empty")
        : string.Concat(Enumerable.Repeat(text, TextBytes / text.Length + 1));

    private static string Documentation(string repository) =>
        string.Join('\n', Directory.EnumerateFiles(repository, "*.md").Concat(Directory.EnumerateFiles(Path.Combine(repository, "docs"), "*.md")).Order(StringComparer.Ordinal).Select(File.ReadAllText));
}
