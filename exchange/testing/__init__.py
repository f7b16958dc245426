"""An exchange for the tests of partners' programs: in the test's own process, with stubs for
everybody else, a clock in the test's hand; and the pytest plugin that gives one to each test.
"""
