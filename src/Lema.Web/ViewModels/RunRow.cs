using Lema.Protocol.V1;

namespace Lema.Web.ViewModels;

/// <summary>A run in the table of all hosts' runs.</summary>
public sealed record RunRow(string Host, RunSummary Run)
{
    public string Key => Host + "/" + Run.Id;
}

/// <summary>Which runs the table shows, and in what order.</summary>
/// <param name="Text">Has to be part of the name, model, dataset or host; case is ignored.</param>
/// <param name="Group">"all", "active" or "ended".</param>
/// <param name="Sort">Column: created, name, state, progress, loss, rate or left.</param>
public sealed record RunQuery(string Text = "", string Group = "all", string Sort = "created", bool Descending = true)
{
    public IReadOnlyList<RunRow> Apply(IEnumerable<RunRow> rows)
    {
        IEnumerable<RunRow> wanted = rows.Where(row => Matches(row) && Group switch
        {
            "active" => row.Run.State.IsActive(),
            "ended" => !row.Run.State.IsActive(),
            _ => true,
        });
        return Sort switch
        {
            "name" => Order(wanted, row => row.Run.Name),
            "state" => Order(wanted, row => row.Run.State),
            "progress" => Order(wanted, row => row.Run.Progress()),
            "loss" => Order(wanted, row => row.Run.HasLastLoss ? row.Run.LastLoss : double.MaxValue),
            "rate" => Order(wanted, row => row.Run.TokensPerSecond),
            "left" => Order(wanted, row => row.Run.HasSecondsLeft ? row.Run.SecondsLeft : double.MaxValue),
            _ => Order(wanted, row => row.Run.Created?.ToDateTime() ?? default),
        };
    }

    /// <summary>The same query after a click on a column's head.</summary>
    public RunQuery SortedBy(string column) => column == Sort ? this with { Descending = !Descending } : this with { Sort = column, Descending = column is "created" or "progress" or "rate" };

    private bool Matches(RunRow row) => Text.Length == 0
        || new[] { row.Run.Name, row.Run.Model, row.Run.Dataset, row.Host, row.Run.Id }.Any(field => field.Contains(Text, StringComparison.OrdinalIgnoreCase));

    private IReadOnlyList<RunRow> Order<TKey>(IEnumerable<RunRow> rows, Func<RunRow, TKey> key) =>
        [.. (Descending ? rows.OrderByDescending(key) : rows.OrderBy(key)).ThenByDescending(row => row.Run.Id, StringComparer.Ordinal)];
}
