package demo

// question is one thing that customers ask, where the answer stands, and the
// answer.
type question struct{ question, source, answer string }

var faq = []question{
	{"How long do I have to return a jacket?", "Returns: goods may be returned within 60 days of delivery, unworn, with the tag. Refunds go to the card that paid within 5 working days.", "You can return the jacket within 60 days of delivery, as long as it is unworn and has its tag. The refund reaches your card within five working days."},
	{"Can you ship tents to Iceland?", "Shipping: we deliver to the EU, Norway, Iceland and Switzerland. Gas cartridges are not sent by air.", "Yes, we ship tents to Iceland. Only gas cartridges cannot go with them, because they may not be sent by air."},
	{"Is the Ridge 45 backpack waterproof?", "Ridge 45: 210D recycled nylon with a 1,500 mm coating. Seams are not taped. A rain cover is in the bottom pocket.", "The fabric is coated and sheds rain, but the seams are not taped. Use the rain cover in the bottom pocket when it pours."},
	{"Does the warranty cover broken zips?", "Warranty: five years on seams, zips and buckles. Wear of the coating is not covered. Repairs are free in the first two years.", "Yes: zips are covered for five years, and the repair is free in the first two."},
	{"Where is my order 48213?", "Orders: the status page shows the carrier's number as soon as a parcel is packed. Parcels leave the store within one working day.", "Your parcel has been packed. You find the carrier's number on the status page of the order; it leaves the store within one working day."},
	{"Which sleeping bag is right for minus ten?", "Sleeping bags: comfort ratings are by ISO 23537. Aurora 500: comfort -4. Aurora 800: comfort -11. Liner adds up to 5 degrees.", "For minus ten degrees take the Aurora 800, whose comfort rating is -11. With a liner you have some reserve."},
	{"How do I wash a down jacket?", "Care: down at 30 degrees with down soap, two rinses, tumble dry low with three tennis balls, three hours.", "Wash it at 30 degrees with down soap and rinse twice. Then tumble dry it low for about three hours with three tennis balls."},
	{"Can I change the delivery address?", "Orders: the address can be changed until the parcel is packed. After that the carrier's page offers another day or a pick-up point.", "You can change it in your account until the parcel is packed. After that, use the carrier's page to choose another day or a pick-up point."},
	{"Do members get free shipping?", "Membership: free delivery from 30 euros, 5 percent back as points, early access to sales. The membership is free.", "Members get free delivery from 30 euros, and the membership itself costs nothing."},
	{"Why was my card declined?", "Payments: cards are checked by the bank with 3-D Secure. A decline comes from the bank; the store sees no reason.", "The decline came from your bank and we cannot see why. Confirm the payment in your bank's app, or try another way to pay."},
	{"What size of boot should I order?", "Boots: order half a size up for hiking. Measure in the evening with the socks you will wear. Exchange is free.", "Order half a size larger than your street shoes, measured in the evening with hiking socks. The exchange is free if it does not fit."},
	{"Are the cooking pots safe for induction?", "Cookware: Kettle 0.8 and Pot 1.6 have a steel base for induction. The titanium line works on gas only.", "The Kettle 0.8 and the Pot 1.6 work on induction. The titanium line is for gas only."},
}

// ticket is one support ticket with its kind and a reply.
type ticket struct{ text, kind, reply string }

var tickets = []ticket{
	{"I was charged twice for order 51877, please refund one payment.", "billing", "Thank you for telling us. The second payment was only reserved and will be released by your bank within three days."},
	{"The app closes when I open the map of the Rondane trail.", "technical", "That is a fault in version 4.2 of the app. Version 4.2.1 repairs it; please update and write again if it still closes."},
	{"Please send the invoice of last month with our VAT number on it.", "billing", "The corrected invoice is attached and the VAT number is stored for the next ones."},
	{"My watch does not pair with the phone since the update.", "technical", "Please remove the watch in the phone's Bluetooth settings, restart both, and pair them again from the app."},
	{"Why did the price of my subscription go up?", "billing", "The introductory price ended after twelve months. I have added the loyalty discount to your account from the next invoice on."},
	{"GPX export gives an empty file for tracks longer than 100 km.", "technical", "We could reproduce it. Until it is repaired, the export from the web page works for tracks of any length."},
}

var (
	users     = []string{"anna", "bjorn", "chen", "divya", "emil", "fatima", "goran", "hanna", "ivan", "jun", "kofi", "lena"}
	cities    = []string{"Oslo", "Rome", "Lisbon", "Vienna", "Kraków", "Tallinn", "Dublin", "Porto", "Athens", "Helsinki", "Ghent", "Málaga"}
	skies     = []string{"sunny", "light rain", "clouds", "windy", "fog in the morning", "showers 🌦"}
	sights    = []string{"the market hall in the morning, the river walk at dusk, the museum of design on Thursdays (free)", "the view from the tower, the botanical garden, a concert in the old church", "the harbour, the street of bakeries, the night tram over the hill"}
	plans     = []string{"Day 2: museum in the morning, harbour in the afternoon. Day 3: a hike outside the city and the flight home.", "Day 2: market and cooking class. Day 3: day trip by train. Day 4: flight home at noon.", "Day 2: bicycle along the river, concert at night. Day 3: late breakfast and home."}
	vendors   = []string{"Nordlys AS, Bergen", "Kopfstein GmbH, Leipzig", "Brava Lda., Porto", "Äppel & Co AB, Malmö"}
	headlines = []string{
		"The city council agreed on a new tram line that will open in four years and cost less than planned.",
		"A team of three students built a sensor that finds leaks in district heating from the air.",
		"The harbour's new crane runs on batteries and loads itself while it lowers containers.",
		"Rain filled the reservoirs after the driest spring in thirty years; water stays cheap, the utility says.",
		"The library lends tools, telescopes and sewing machines now; waiting lists are long.",
		"Researchers measured that short walks help the memory more than long ones.",
		"The bakery on the corner won a prize for bread made of old grain and moves into the station.",
	}
)
