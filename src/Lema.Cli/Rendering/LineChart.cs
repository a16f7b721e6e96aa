using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Lema.Cli.Rendering;

/// <summary>One curve of a chart.</summary>
/// <param name="Name">Its label in the legend.</param>
/// <param name="Points">(step, value) in rising order of steps.</param>
internal sealed record Curve(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>Curves over one pair of axes, drawn in Braille dots (two by four to a character).</summary>
internal static class LineChart
{
    private const int AxisWidth = 9;

    /// <summary>Rows below the drawing: the axis of steps and its labels.</summary>
    private const int AxisRows = 2;

    /// <summary>Marks that tell curves apart where colours are off or many; the first curve is drawn in dots.</summary>
    private const string Marks = "⣿ox+*#@%";

    /// <summary>Of the curves, in the order of <see cref="Marks"/>.</summary>
    private static readonly Color[] Colors = [Color.Teal, Color.Olive, Color.Fuchsia, Color.Lime, Color.Red, Color.Blue, Color.Aqua, Color.Yellow];

    /// <summary>Writes the chart with each curve, and its name, in a colour of its own.</summary>
    public static void Write(IAnsiConsole console, IReadOnlyList<Curve> curves, int width, int height)
    {
        foreach ((int row, string line) in Draw(curves, width, height).Index())
        {
            bool isLegend = row >= height + AxisRows;
            int start = row < height ? AxisWidth + 1 : isLegend ? 0 : line.Length;
            console.Write(line[..start]);
            while (start < line.Length)
            {
                Color color = ColorOf(line[start]);
                int end = start + 1;
                while (end < line.Length && (isLegend || ColorOf(line[end]) == color)) end++;
                console.Write(SafeText.Of(line[start..end]), new Style(color));
                start = end;
            }
            console.WriteLine();
        }
    }

    /// <summary>The lines of the chart, legend last; none when no curve has a finite point.</summary>
    public static IReadOnlyList<string> Draw(IReadOnlyList<Curve> curves, int width, int height)
    {
        (double X, double Y)[] all = [.. curves.SelectMany(c => c.Points).Where(p => double.IsFinite(p.Y))];
        if (all.Length == 0) return [];
        int columns = Math.Max(8, width - AxisWidth - 1);
        Scale scale = new(all.Min(p => p.X), all.Max(p => p.X), all.Min(p => p.Y), all.Max(p => p.Y), columns * 2, height * 4);
        char[,] cells = new char[height, columns];
        for (int i = curves.Count - 1; i >= 0; i--) DrawCurve(cells, scale, curves[i], i);
        return [.. Rows(cells, scale, columns, height), .. Legend(curves, width)];
    }

    private static Color ColorOf(char mark)
    {
        if (mark is >= '⠀' and <= '⣿') return Colors[0];
        int index = Marks.IndexOf(mark, StringComparison.Ordinal);
        return index < 0 ? Color.Default : Colors[index];
    }

    private static void DrawCurve(char[,] cells, Scale scale, Curve curve, int index)
    {
        (int X, int Y)? before = null;
        foreach ((double x, double y) in curve.Points)
        {
            if (!double.IsFinite(y)) continue;
            (int X, int Y) dot = scale.Dot(x, y);
            foreach ((int X, int Y) step in Between(before ?? dot, dot)) Mark(cells, step, index);
            before = dot;
        }
    }

    private static IEnumerable<(int X, int Y)> Between((int X, int Y) from, (int X, int Y) to)
    {
        int steps = Math.Max(1, Math.Max(Math.Abs(to.X - from.X), Math.Abs(to.Y - from.Y)));
        for (int i = 0; i <= steps; i++) yield return (from.X + (to.X - from.X) * i / steps, from.Y + (to.Y - from.Y) * i / steps);
    }

    private static void Mark(char[,] cells, (int X, int Y) dot, int index)
    {
        ref char cell = ref cells[dot.Y / 4, dot.X / 2];
        if (index > 0)
        {
            cell = Marks[1 + (index - 1) % (Marks.Length - 1)];
            return;
        }
        int row = dot.Y % 4;
        int bit = row == 3 ? 6 + dot.X % 2 : row + 3 * (dot.X % 2);
        int dots = cell is >= '⠀' and <= '⣿' ? cell - '⠀' : 0;
        cell = (char)('⠀' + (dots | 1 << bit));
    }

    private static IEnumerable<string> Rows(char[,] cells, Scale scale, int columns, int height)
    {
        for (int row = 0; row < height; row++)
        {
            string label = row == 0 ? Label(scale.Top) : row == height - 1 ? Label(scale.Bottom) : "";
            StringBuilder line = new(label.PadLeft(AxisWidth - 1) + " │");
            for (int column = 0; column < columns; column++) line.Append(cells[row, column] == '\0' ? ' ' : cells[row, column]);
            yield return line.ToString().TrimEnd();
        }
        string left = scale.Left.ToString("0", CultureInfo.InvariantCulture);
        string right = scale.Right.ToString("0", CultureInfo.InvariantCulture);
        yield return new string(' ', AxisWidth) + "└" + new string('─', columns - 1);
        yield return new string(' ', AxisWidth + 1) + left + right.PadLeft(Math.Max(right.Length + 1, columns - left.Length));
    }

    private static IEnumerable<string> Legend(IReadOnlyList<Curve> curves, int width)
    {
        if (curves.Count < 2) yield break;
        for (int i = 0; i < curves.Count; i++)
        {
            string line = $"{(i == 0 ? Marks[0] : Marks[1 + (i - 1) % (Marks.Length - 1)])} {curves[i].Name}";
            yield return line.Length > width ? line[..width] : line;
        }
    }

    private static string Label(double value) => value.ToString(Math.Abs(value) is >= 1000 or (> 0 and < 0.001) ? "0.0e-0" : "0.000", CultureInfo.InvariantCulture);

    /// <summary>From values to dots; row 0 is the top.</summary>
    private sealed record Scale(double Left, double Right, double Bottom, double Top, int Columns, int Rows)
    {
        public (int X, int Y) Dot(double x, double y) => (Place(x, Left, Right, Columns), Rows - 1 - Place(y, Bottom, Top, Rows));

        private static int Place(double value, double low, double high, int count) =>
            high == low ? 0 : (int)Math.Clamp((value - low) / (high - low) * (count - 1), 0, count - 1);
    }
}
