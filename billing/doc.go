// Package billing keeps what is ordered and what follows from that: the order book with its dates, the business days that
// dates are counted in, and to whom invoices go. Invoices themselves are not written here yet.
//
// # What is stored where
//
//	platform  "order"           an order with its dates and state; unique {"order", number}, marked {"received", year}, {"order-state", state}
//	platform  "holidays"        the public holidays that are known; unique {"calendar", "holidays"}
//	platform  "order-settings"  how long opening takes, and whether offices are closed at the year's end
//	tenant    "payer"           to whom the company's invoices go
//
// # Days
//
// Public holidays are data: the Cabinet Office publishes those of the next year each February, and two of them become law only
// then. So the calendar knows until which year it is valid, and a date past that is an error, never a guess.
package billing
