using System.Text;
using Lema.Engine.Datasets.Rows;
using Lema.Engine.Errors;

namespace Lema.Fuzz.Targets;

/// <summary>A dataset of JSON lines: its rows and the guess at their format.</summary>
internal sealed class DatasetTarget : IFuzzTarget, IDisposable
{
    private readonly TemporaryFiles _files = new();

    public string Name => "dataset";

    public IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[]
        {
            "{", "}", "[", "]", ",", ":", "\"", "\n", "\r\n", "\\u0000", "\\ud83d", "null", "\"messages\"", "\"role\"", "\"content\"", "\"user\"", "\"assistant\"", "\"prompt\"", "\"completion\"",
            "\"instruction\"", "\"input\"", "\"output\"", "\"text\"", "\"conversations\"", "\"from\"", "\"value\"", "\"input_ids\"", "\"labels\"", "[1,2]",
        }.Select(Encoding.UTF8.GetBytes),
        [0xef, 0xbb, 0xbf], [0xff], [0],
    ];

    public IEnumerable<byte[]> Corpus() => new[]
    {
        """{"prompt":"a","completion":"b"}""" + "\n" + """{"prompt":"c","completion":"d"}""" + "\n",
        """{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}""" + "\n",
        """{"instruction":"a","input":"","output":"b"}""" + "\n",
        """{"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}""" + "\n",
        """{"text":"a"}""" + "\n",
        "",
    }.Select(Encoding.UTF8.GetBytes);

    public string Parse(byte[] input)
    {
        string file = _files.Write("rows.jsonl", input);
        try
        {
            return $"taken as {FormatDetector.Detect(file).Format}";
        }
        catch (InvalidInputException refusal) when (refusal.InputSource == file)
        {
            return Outcome.Of(refusal);
        }
        catch (InvalidInputsException refusals)
        {
            return string.Join(" / ", refusals.Problems.Select(Outcome.Of).Distinct());
        }
    }

    public byte[] Mend(byte[] input) => input;

    public void Dispose() => _files.Dispose();
}
