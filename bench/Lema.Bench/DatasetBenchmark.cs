using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Lema.Engine.Datasets;
using Lema.Engine.Datasets.Batches;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Engine.Devices;
using Lema.Engine.Training;

namespace Lema.Bench;

/// <summary>
/// A large JSON Lines file of prompts and completions: seconds to the first micro-batch in file order without a cache, shuffled without one (all rows are
/// tokenized), and shuffled from the cache; and the peak memory of this process, which does nothing else. <c>--rows N</c> (default 1,000,000),
/// <c>--bytes N</c> of the file (default 500,000,000), <c>--model FOLDER</c> (default: the embedded model).
/// </summary>
internal sealed class DatasetBenchmark : IBenchmark
{
    private const int MicroBatches = 2000;

    public string Name => "dataset";

    public BenchReport Run(BenchOptions options)
    {
        long rows = options.Integer("rows") ?? 1_000_000, bytes = options.Integer("bytes") ?? 500_000_000;
        string folder = Directory.CreateTempSubdirectory("lema-bench-").FullName;
        try
        {
            Environment.SetEnvironmentVariable("LEMA_CACHE", folder);
            string file = Path.Combine(folder, "rows.jsonl");
            Write(file, rows, bytes);
            Tokenizer tokenizer = Tokenizer.Load(options.Text("model") ?? Path.Combine(Repository.Folder(), "assets", "lema-tiny"));
            return Measure(file, rows, tokenizer);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static BenchReport Measure(string file, long rows, Tokenizer tokenizer)
    {
        BenchReport report = new();
        report.Add("rows", rows);
        report.Add("bytes", new FileInfo(file).Length);
        report.Add("firstBatchInFileOrderSeconds", FirstBatch(file, tokenizer, shuffle: false, out _));
        report.Add("tokenizeAllSeconds", FirstBatch(file, tokenizer, shuffle: true, out _));
        report.Add("firstBatchFromCacheSeconds", FirstBatch(file, tokenizer, shuffle: true, out double perSecond));
        report.Add("microBatchesPerSecond", perSecond);
        report.Add("peakRssBytes", ProcessMemory.PeakRssBytes);
        return report;
    }

    private static double FirstBatch(string file, Tokenizer tokenizer, bool shuffle, out double microBatchesPerSecond)
    {
        RunSettings settings = new() { MicroBatchSize = 8, MaxLength = 512, Data = new DataSettings { Shuffle = shuffle } };
        Stopwatch clock = Stopwatch.StartNew();
        using ITrainingData data = TrainingData.Open(file, tokenizer, settings);
        data.MicroBatch(0, 0);
        double first = clock.Elapsed.TotalSeconds;
        if (shuffle)
        {
            for (int step = 1; step <= MicroBatches; step++) data.MicroBatch(step, 0);
        }
        microBatchesPerSecond = MicroBatches / (clock.Elapsed.TotalSeconds - first);
        return first;
    }

    private static void Write(string file, long rows, long bytes)
    {
        const string words = "the weights of a layer are read from the disk just before they are needed and given back after ";
        int length = (int)Math.Max(bytes / rows - 60, 1);
        string filler = string.Concat(Enumerable.Repeat(words, length / words.Length + 2));
        using StreamWriter writer = new(file, false, new UTF8Encoding(false), 1 << 20);
        for (long row = 0; row < rows; row++)
        {
            int start = (int)(row * 7 % words.Length);
            writer.WriteLine(JsonSerializer.Serialize(new { prompt = $"Question {row}:\n", completion = filler.Substring(start, length) }));
        }
    }
}
